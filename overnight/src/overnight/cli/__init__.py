"""The command line: commands parse and print, `overnight.operations` acts."""
