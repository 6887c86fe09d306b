"""How results are shown: figures (matplotlib), charts (Altair), and text (Jinja)."""
