"""Lets `dvc plots` draw without a network: DVC's page, with Vega inside.

DVC's page loads Vega from the internet, and is blank where there is none. This changes the page
for this checkout alone (plots.html_template in .dvc/config.local).
"""

import subprocess
import sys
from pathlib import Path

import vl_convert
from dvc_render.html import PAGE_HTML  # type: ignore[import-untyped]

from stages import writing

ROOT = Path(__file__).parents[1]
FILE = ROOT / ".dvc" / "offline_plots.html"

# Without $schema, of which a newer Vega-Lite warns in the browser's console.
DRAW = """
window.vegaEmbed = (element, spec) =>
  vegaEmbed(element, {...spec, $schema: undefined}, {renderer: "svg"});
"""


def main() -> None:
    # A script ends at its first end tag, wherever that stands.
    bundle = vl_convert.javascript_bundle(DRAW).replace("</script", "<\\/script")
    # A classic script, since DVC's own, which draw, are: a module would come after them.
    scripts = f'<meta charset="utf-8"><script>{bundle}</script>'
    writing.replace({FILE: PAGE_HTML.replace("{scripts}", scripts)})
    setting = ["config", "--local", "plots.html_template", FILE.name]
    if code := subprocess.run([sys.executable, "-m", "dvc", *setting], cwd=ROOT).returncode:
        sys.exit(code)
    print("dvc plots needs no network now; undo: dvc config --local --unset plots.html_template")


if __name__ == "__main__":
    main()
