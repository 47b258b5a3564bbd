
def pages() -> dict[Path, str]:
    """Each page with the text that it should have."""
    names = [(name, getattr(overnight, name)) for name in sorted(overnight.__all__)]
    return {
        DOCS / "reference/python.md": _page(
            "The public names of overnight", _names("overnight", names)
def _members(class_: type) -> Iterator[str]:
    """Public methods and properties, in their order, each with what its docstring says; also those
    of bases that have no page of their own.
    """
    public = [getattr(overnight, name) for name in overnight.__all__]
    members: dict[str, Any] = {}
    for base in reversed(class_.__mro__):
