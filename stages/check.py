"""Stage check: params.yaml can be run, down to the first weights of every variant."""

from stages import ROOT, mnist, params
from stages.initializers import InitializerError, initial_weights

RESULT = ROOT / "data" / "params_are_valid"


def main() -> None:
    settings = params.load_or_exit()
    if mistakes := initializer_mistakes(settings):
        raise SystemExit("\n".join(mistakes))
    RESULT.parent.mkdir(exist_ok=True)
    # Always the same words: a valid edit changes nothing for the stages that wait for this.
    RESULT.write_text("params.yaml is valid\n", encoding="utf-8")


def initializer_mistakes(settings: params.Params) -> list[str]:
    """A line for every variant whose weights cannot be initialized, found by doing it."""
    lines = []
    for name, variant in settings.variants.items():
        sizes = [mnist.PIXELS, *settings.network_of(name).hidden, mnist.CLASSES]
        try:
            initial_weights(sizes, variant, seed=0)
        except InitializerError as error:
            key = f"variants.{name}.{error.key}"
            lines.append(params.complaint(key, error.initializer.as_written(), str(error)))
    return lines


if __name__ == "__main__":
    main()
