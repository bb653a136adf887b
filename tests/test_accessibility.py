"""Every edition can be read with a screen reader, and no picture needs eyes that see every colour."""

import itertools
import re

import matplotlib
import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from coloraide import Color
from nbconvert import HTMLExporter

import editions
import hyperedu.figures as figures
import lab

# What the page around a notebook brings with it: its prompts, its colours of code, links without a line.
OF_THE_PAGE = ("color-contrast", "link-in-text-block", "region")
BUILT = [(edition, document) for edition in editions.KEPT for document in editions.documents(edition)]
PALETTE = {
    name: getattr(figures, name) for name in ("BLACK", "ORANGE", "SKY", "GREEN", "YELLOW", "BLUE", "VERMILION", "PURPLE")
}


@pytest.mark.parametrize(
    ("edition", "document"), BUILT, ids=[f"{edition.language}-{edition.name}-{document}" for edition, document in BUILT]
)
def test_headings_are_in_order(edition, document):
    """One title, and below it no level is left out: who listens jumps from heading to heading."""
    notebook = nbformat.read(editions.path(edition, document), as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    levels = [len(marks) for marks in re.findall(r"^(#+) ", re.sub(r"```.*?```", "", prose, flags=re.DOTALL), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


@pytest.mark.parametrize("seen", [None, "protan", "deutan", "tritan"])
def test_the_colours_differ_for_every_kind_of_colour_vision(seen):
    """As Machado, Oliveira and Fernandes (2009) simulate who lacks one kind of cone; 2.3 is a difference that is just seen."""
    simulated = {name: Color(value).filter(seen) if seen else Color(value) for name, value in PALETTE.items()}
    pairs = itertools.combinations(simulated, 2)
    differences = {pair: simulated[pair[0]].delta_e(simulated[pair[1]], method="2000") for pair in pairs}
    assert min(differences.values()) > 3 * 2.3, min(differences, key=differences.get)


@pytest.mark.parametrize("name", ["viridis", "RdBu_r"])
@pytest.mark.parametrize("seen", ["protan", "deutan", "tritan"])
def test_the_scales_of_heatmaps_rise_for_every_kind_of_colour_vision(name, seen):
    """Along viridis lightness only rises; of the diverging scale each half does, and its ends differ."""
    colours = [Color("srgb", row[:3]).filter(seen) for row in matplotlib.colormaps[name]([k / 32 for k in range(33)])]
    lightness = [colour.convert("lab-d65")["lightness"] for colour in colours]
    if name == figures.MAGNITUDE:
        assert all(one < two for one, two in itertools.pairwise(lightness))
    else:
        assert all(one < two for one, two in itertools.pairwise(lightness[:17]))
        assert all(one > two for one, two in itertools.pairwise(lightness[16:]))
        assert colours[0].delta_e(colours[-1], method="2000") > 20


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_axe_finds_nothing_in_any_edition():
    """In the notebooks as they are committed, as pages without a kernel."""
    exporter, found = HTMLExporter(template_name="basic", exclude_input=True), []  # code is the page's to show
    options = {"rules": {rule: {"enabled": False} for rule in OF_THE_PAGE}, "resultTypes": ["violations"]}
    with lab.browser() as browser:
        page = browser.new_page()
        page.route(lambda address: address.startswith("http"), lambda route: route.abort())
        for edition, document in BUILT:
            body, _resources = exporter.from_notebook_node(nbformat.read(editions.path(edition, document), as_version=4))
            page.set_content(
                f"<!DOCTYPE html><html lang='{edition.language}'><title>{document}</title><main>{body}</main></html>"
            )
            for violation in Axe().run(page, options=options).response["violations"]:
                found.append(f"{edition.name}, {document}: {violation['id']}: {violation['nodes'][0]['html'][:200]}")
    assert not found, "\n".join(found)
