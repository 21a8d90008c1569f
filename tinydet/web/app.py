"""The layout of the page, on Gradio, and its server."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from tinydet.errors import InputError
from tinydet.images import ImageReadError, read_rgb
from tinydet.inference import Detector
from tinydet.viz.boxes import draw_detections
from tinydet.web.results import above, model_card, score_table, timing
from tinydet.web.style import CSS

try:
    import gradio as gr
    from gradio.utils import get_upload_folder
except ModuleNotFoundError as error:
    raise InputError(
        f'the web page needs {error.name}, which is not installed: '
        "pip install -e '.[app]'"
    ) from error

# In the second menu; no file has an empty name.
NONE = ''
PANELS = 2
# A picture is shown 400 pixels wide, or less on a phone.
SCALE = 1.4
# Images that were given are deleted after so many seconds, or when the server ends.
HOUR = 3600


def build_page(detectors: Mapping[str, Detector]) -> gr.Blocks:
    """Lay out the page.

    Args:
        detectors: By name, with all of their scores let through.
    """
    names = list(detectors)
    chosen = [*names, NONE][:PANELS]

    def detect(image: str | None, threshold: float, model: str, beside: str) -> list:
        """What the panels show of an image file."""
        pixels = None if image is None else read(image)
        return [
            update
            for name in (model, beside)
            for update in panel(name, detectors.get(name), pixels, threshold)
        ]

    with gr.Blocks(
        title='TinyDet', analytics_enabled=False, delete_cache=(HOUR, HOUR)
    ) as page:
        gr.HTML(
            '<h1>TinyDet</h1><p>Drop an image or use the camera: see '
            'boxes, time and class scores.</p>',
            elem_id='title',
        )
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                image = image_input()
                first = gr.Dropdown(
                    names, value=chosen[0], label='Model', filterable=False
                )
                second = gr.Dropdown(
                    [('none', NONE), *((name, name) for name in names)],
                    value=chosen[1],
                    label='Beside it',
                    filterable=False,
                    visible=len(names) > 1,
                )
                threshold = gr.Slider(
                    0, 1, value=0.3, step=0.01, label='Show scores above'
                )
            with gr.Column(scale=7, min_width=320), gr.Row():
                outputs = [
                    part
                    for name in chosen
                    for part in add_panel(name, detectors.get(name))
                ]
        inputs = [image, threshold, first, second]
        gr.on(
            [part.change for part in inputs],
            detect,
            inputs,
            outputs,
            api_name='detect',
            show_progress='minimal',
            # Two runs at a time would slow each other down.
            concurrency_limit=1,
            trigger_mode='always_last',
        )
    return page


def image_input() -> gr.Image:
    """An input whose value is the path of any file, so that our reader judges it."""
    image = gr.Image(
        label='Image',
        sources=['upload', 'webcam', 'clipboard'],
        webcam_options=gr.WebcamOptions(mirror=False),
        buttons=[],
        height=300,
        elem_id='image',
    )
    # Gradio's own would open the file. A class that overrides it is no way either: for
    # each Gradio writes a .pyi file into the package.
    image.preprocess = uploaded
    return image


def uploaded(file: gr.FileData | None) -> str | None:
    """The path of an uploaded file.

    Raises:
        gradio.Error: If it is another file of this machine. Gradio asks only about
            files that are marked as such, which a client need not do.
    """
    if file is None:
        return None
    if (
        not Path(file.path)
        .resolve()
        .is_relative_to(Path(get_upload_folder()).resolve())
    ):
        raise gr.Error(f'{file.path} was not uploaded: upload it')
    return file.path


def read(path: str) -> np.ndarray | None:
    """Read an image; the page says why where it cannot be."""
    try:
        return read_rgb(path)
    except ImageReadError as error:
        problem = str(error).replace(path, Path(path).name)
        gr.Warning(f'{problem}: choose another image')
    return None


def add_panel(name: str, detector: Detector | None) -> list[gr.blocks.Block]:
    """Lay out the place of a model and its results."""
    with gr.Column(min_width=300, visible=detector is not None) as column:
        card = gr.HTML(
            model_card(name, detector.metadata) if detector else '',
            elem_classes='model',
        )
        picture = gr.Image(
            label='Boxes',
            # it would hide a corner of the picture
            show_label=False,
            format='jpeg',
            interactive=False,
            buttons=['download', 'fullscreen'],
            elem_classes='picture',
        )
        found = gr.HTML(elem_classes='found')
    return [column, card, picture, found]


def panel(
    name: str, detector: Detector | None, image: np.ndarray | None, threshold: float
) -> tuple[dict, str, Image.Image | None, str]:
    """What a panel shows; it is hidden without a model, and empty without an image."""
    visible = gr.update(visible=detector is not None)
    if detector is None:
        return visible, '', None, ''
    card = model_card(name, detector.metadata)
    if image is None:
        return visible, card, None, ''
    found, timings = detector.timed(image)
    picture = draw_detections(image, *above(found, threshold), detector.classes, SCALE)
    details = timing(timings) + score_table(found, detector.classes, threshold)
    return visible, card, picture, details


def serve(page: gr.Blocks, host: str, port: int) -> None:
    """Serve the page until Ctrl-C."""
    # Gradio's own would be downloaded in some themes.
    fonts = dict(font=['system-ui', 'sans-serif'], font_mono=['monospace'])
    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        theme=gr.themes.Default(**fonts),
        css=CSS,
        quiet=True,
        prevent_thread_lock=True,
    )
    print(f'http://{host}:{port} shows the page until Ctrl-C', flush=True)
    page.block_thread()
