"""Lets `dvc plots` draw without a network: a page of ours, with Vega inside, instead of DVC's.

DVC's own page loads Vega from the internet, and is blank where there is none. This writes one
and makes it that of this checkout alone (plots.html_template in .dvc/config.local).
"""

import subprocess
import sys
from pathlib import Path

import vl_convert

from stages import writing

ROOT = Path(__file__).parents[1]
FILE = ROOT / ".dvc" / "offline_plots.html"

# Without $schema, of which a newer Vega-Lite warns in the browser's console.
DRAW = """
window.vegaEmbed = (element, spec) =>
  vegaEmbed(element, {...spec, $schema: undefined}, {renderer: "svg"});
"""

# A classic script, since DVC's own, which draw, are: a module would come after them.
# What stands in braces is DVC's to fill.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh_tag}
<title>initlab: dvc plots</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff }
  .vega-embed { margin-bottom: 2.5rem }
  table { max-width: 100%; border-spacing: 1rem }
  img { max-width: min(100%, 50rem) }
</style>
<script>BUNDLE</script>
</head>
<body>
<h1>initlab: dvc plots</h1>
{plot_divs}
</body>
</html>
"""


def main() -> None:
    # A script ends at its first end tag, wherever that stands.
    bundle = vl_convert.javascript_bundle(DRAW).replace("</script", "<\\/script")
    writing.replace({FILE: PAGE.replace("BUNDLE", bundle)})
    setting = ["config", "--local", "plots.html_template", FILE.name]
    if code := subprocess.run([sys.executable, "-m", "dvc", *setting], cwd=ROOT).returncode:
        sys.exit(code)
    print("dvc plots needs no network now; undo: dvc config --local --unset plots.html_template")


if __name__ == "__main__":
    main()
