#!/usr/bin/env bash
# Train on several GPUs of a machine, or of several machines: call it on each of the
# NNODES machines, with its own NODE_RANK (0, 1, ...) and the same MASTER_ADDR and
# MASTER_PORT. Without GPUs it starts NUM_GPUS processes on the CPU.
set -euo pipefail

if (($# < 2)); then
    echo "usage: $0 CONFIG NUM_GPUS [arguments of tools/train.py]" >&2
    exit 2
fi
config=$1
num_gpus=$2
shift 2

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes "${NNODES:-1}" \
    --node-rank "${NODE_RANK:-0}" \
    --master-addr "${MASTER_ADDR:-127.0.0.1}" \
    --master-port "${MASTER_PORT:-29500}" \
    --nproc-per-node "$num_gpus" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
