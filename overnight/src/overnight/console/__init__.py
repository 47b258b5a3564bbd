"""The console: one page at 3 a.m. What it shows comes from `report`, what it does goes through
`control`.

`site.py` puts it together; `access.py` says who may; `pages.py` has what each page shows,
`actions.py` what each button does, `live.py` tells open pages that something changed. Its assets
are shipped in `static/`, see `static/NOTICE`.
"""
