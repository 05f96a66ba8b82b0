"""The page: what people look at and decide with. Reads the store, writes decisions; folds nothing and decides nothing.

app.py puts it together, security.py guards it, queries.py asks, pages.py and api.py answer, words.py and charts.py put it.
"""
