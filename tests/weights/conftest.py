import tinydet.models  # noqa: F401  (registers)
