"""The slides edition: of every section something is shown, briefly, with notes; its pages fit, and need no network."""

import re

import pytest

import build
import editions
import lab
import slides
from test_teaching import BY_ITSELF

every_lesson = pytest.mark.parametrize("lesson", editions.LESSONS)
(EDITION,) = (edition for edition in editions.KEPT if edition.slides)
WORDS = 60  # of a slide, beside its mathematics
SMALLEST = 600, 250  # pixels of a picture


def is_slide(cell):
    return cell.metadata.slideshow.slide_type == "slide"


def by_slide(lesson):
    """The cells of each slide of a lesson, unseen ones included; the slide's own first."""
    notebook = build.notebook_of(EDITION, lesson, build.kept_outputs(lesson, [EDITION]) or {})
    found = []
    for cell in notebook.cells:
        if is_slide(cell):
            found.append([])
        if found:
            found[-1].append(cell)
    return found


def section_of(lesson):
    """Slide → the heading of the section in which it stands; None before the first."""
    found, section = {}, None
    for cell in editions.cells(lesson):
        tags = set(cell.metadata.get("tags", []))
        if "slides" in tags:
            found[cell.id] = section
        elif cell.cell_type == "markdown" and "teacher" not in tags:
            section = [section, *re.findall(r"^## (.+)$", cell.source, re.MULTILINE)][-1]
    return found


@every_lesson
def test_every_section_has_slides_and_each_of_them_the_teachers_note(lesson):
    prose = [
        c.source for c in editions.cells(lesson) if c.cell_type == "markdown" and "slides" not in c.metadata.get("tags", [])
    ]
    sections = [heading for source in prose for heading in re.findall(r"^## (.+)$", source, re.MULTILINE)]
    where = section_of(lesson)
    assert set(sections) - set(where.values()) <= set(BY_ITSELF)
    for cells in by_slide(lesson):
        noted = any(cell.metadata.slideshow.slide_type == "notes" for cell in cells)
        assert noted or where[cells[0].id] in BY_ITSELF, cells[0].id


@every_lesson
def test_a_slide_is_for_speaking_beside(lesson):
    """Few words and one heading; at least eight slides."""
    found = by_slide(lesson)
    assert 8 <= len(found) <= 18
    for slide, *others in found:
        assert re.match(r"##? \S", slide.source), slide.id
        assert len(re.findall(r"^#", slide.source, re.MULTILINE)) == 1, slide.id
        shown = [cell for cell in others if cell.cell_type == "code" and "shown" in cell.metadata.get("tags", [])]
        outputs = [output.get("data", {}) for cell in shown for output in cell.outputs]
        said = [re.sub(r"<[^>]*>", " ", data.get("text/html", "")) for data in outputs if "image/png" not in data]
        words = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", slide.source, flags=re.DOTALL) + " ".join(said)
        assert len(re.findall(r"\w[\w'’-]*", words)) <= WORDS, slide.id


@every_lesson
def test_each_live_figure_stands_on_a_slide_with_its_settings_after_its_prediction(lesson):
    found = by_slide(lesson)
    ids = [[cell.id for cell in cells] for cells in found]
    for number, cells in enumerate(found):
        for cell in cells:
            if cell.cell_type != "code" or "live.interact" not in cell.source:
                continue
            assert cell.metadata.slideshow.slide_type == "-", cell.id
            assert f"{cell.id}-settings" in ids[number], "the buttons stand below the figure"
            asked = f"{cell.id}-question"
            if any(asked in names for names in ids):
                assert any(asked in names for names in ids[:number]), "what is predicted stands on a slide before"
    seen = [cell for cells in found for cell in cells]
    live = [c.id for c in editions.cells(lesson) if c.cell_type == "code" and "live.interact" in c.source]
    assert [cell.id for cell in seen if cell.id in live] == live


def test_code_that_is_not_shown_runs_all_the_same():
    cells = [cell for cell in editions.cells("maml") if editions.included(EDITION, cell)]
    code = [cell.id for cell in cells if cell.cell_type == "code"]
    found = [cell for cell in slides.arranged(cells) if cell.cell_type == "code"]
    assert [cell.id for cell in found] == code
    skipped = {cell.id: cell.metadata.slideshow.slide_type == "skip" for cell in found}
    assert skipped["imports"]
    assert not skipped["step-by-step"]


def test_mathematics_that_no_browser_would_show_is_an_error():
    assert "<mfrac>" in slides._to_html(r"$\frac{\alpha}{2}$")
    with pytest.raises(Exception, match="nonsense"):
        slides._to_html(r"$\nonsense$")


# What is beyond a slide of this size: boxes that leave it, and whatever would have to be scrolled for.
BEYOND = """([width, height]) => {
  const slide = Reveal.getCurrentSlide(), found = [];
  const left = slide.getBoundingClientRect().left, top = slide.getBoundingClientRect().top;
  if (slide.scrollWidth > width || slide.scrollHeight > height) found.push(`${slide.scrollWidth} by ${slide.scrollHeight}`);
  for (const part of slide.querySelectorAll(":not(aside, aside *)")) {
    const box = part.getBoundingClientRect();
    const across = box.left >= left - 1 && box.right <= left + width + 1;
    const down = box.top >= top - 1 && box.bottom <= top + height + 1;
    if (box.width && !(across && down)) found.push(`${part.tagName} ${part.textContent.slice(0, 60)}`);
    if (part.scrollHeight > part.clientHeight + 1 && getComputedStyle(part).overflowY !== "visible") found.push("cut off");
  }
  return found;
}"""
PICTURES = """() => [...Reveal.getCurrentSlide().querySelectorAll("img")].map((image) => {
  const scale = Math.min(image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight);
  return [image.naturalWidth * scale, image.naturalHeight * scale, image.alt.length];
})"""


@pytest.fixture(scope="module")
def browser():
    with lab.browser() as browser:
        yield browser


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@every_lesson
def test_no_slide_overflows_and_none_needs_a_network(browser, lesson, tmp_path):
    file = slides.export(lesson, tmp_path)
    with browser.new_context(viewport={"width": slides.WIDTH, "height": slides.HEIGHT}) as context:
        page, asked, said = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_function("window.Reveal?.isReady()")
        assert page.evaluate("Reveal.getScale()") == 1
        for number, cells in enumerate(by_slide(lesson)):
            page.evaluate("number => Reveal.slide(number)", number)
            assert page.evaluate("Reveal.getCurrentSlide().querySelector('h1, h2').textContent")[:3] in cells[0].source
            assert page.evaluate(BEYOND, [slides.WIDTH, slides.HEIGHT]) == [], cells[0].id
            for width, height, alt in page.evaluate(PICTURES):
                assert width >= SMALLEST[0] or height >= SMALLEST[1], cells[0].id
                assert alt > 30, cells[0].id
        assert page.evaluate("Reveal.getTotalSlides()") == number + 1
        assert said == []
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_slide_that_is_too_full_is_seen(browser, tmp_path):
    file = slides.export("maml", tmp_path)
    page = browser.new_page(viewport={"width": slides.WIDTH, "height": slides.HEIGHT})
    page.goto(file.as_uri())
    page.wait_for_function("window.Reveal?.isReady()")
    page.evaluate("Reveal.getCurrentSlide().querySelector('p').innerHTML += ' more'.repeat(400)")
    assert page.evaluate(BEYOND, [slides.WIDTH, slides.HEIGHT]) != []
    page.close()
