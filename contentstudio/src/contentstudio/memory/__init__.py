"""How alike texts are, and which words of an article lead to another page. Pure; the tables are in
`store`.
"""
