"""Which target an object of a build belongs to, and which sources it was made of."""
import pathlib
import re


def target_of(name):
    return name.split("CMakeFiles/")[-1].split(".dir/")[0]


def paths_of(tree, name):
    """Paths of the sources that were compiled at once, as the build names them; none if the object has one source."""
    unit = pathlib.Path(tree) / name.removesuffix(".o")
    if unit.parent.name != "Unity":
        return []
    return re.findall(r'#include "(.+)"', unit.read_text())


def sources_of(tree, name):
    """The same as words of a table: the source of an object, or all of them."""
    paths = paths_of(tree, name)
    return " ".join(pathlib.Path(path).name for path in paths) or name.split(".dir/")[-1].removesuffix(".o")
