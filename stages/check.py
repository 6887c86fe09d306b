"""Stage check: params.yaml can be run, down to the first weights of every variant."""

from hashlib import sha256
from pathlib import Path

from stages import ROOT, mnist, params
from stages.initializers import InitializerError, initial_weights, own_files

DATA = ROOT / "data"


def main() -> None:
    settings = params.load_or_exit()
    if mistakes := initializer_mistakes(settings):
        raise SystemExit("\n".join(mistakes))
    DATA.mkdir(exist_ok=True)
    # Always the same words: a valid edit changes nothing for the stages that wait for this.
    (DATA / "params_are_valid").write_text("params.yaml is valid\n", encoding="utf-8")
    write_sources(DATA / "initializers", settings)


def initializer_mistakes(settings: params.Params) -> list[str]:
    """A line for every variant whose weights cannot be initialized, found by doing it."""
    lines = []
    for name, variant in settings.variants.items():
        network = settings.network_of(name)
        sizes = [mnist.PIXELS, *network.hidden, mnist.CLASSES]
        try:
            initial_weights(sizes, variant, 0, network.activation)
        except InitializerError as error:
            key = f"variants.{name}.{error.key}"
            lines.append(params.complaint(key, error.initializer.as_written(), str(error)))
    return lines


def write_sources(folder: Path, settings: params.Params) -> None:
    """A file a variant with the SHA-256 sums of the files in stages/own that it uses.

    A variant's training depends on that file: an edit in stages/own retrains the variants
    that use what was edited, and a new file there retrains none.
    """
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in settings.variants:
            path.unlink()
    for name, variant in settings.variants.items():
        lines = [
            f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in own_files(variant)
        ]
        (folder / name).write_text("".join(lines) or "torch.nn.init\n", encoding="utf-8")


if __name__ == "__main__":
    main()
