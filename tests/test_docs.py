"""The guides keep their word: commands compose, links lead somewhere, YAML and Python read."""

import re
import shlex
import sys

import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra

from framework.__main__ import main
from framework.config.search_path import project_root

ROOT = project_root()
GUIDES = [
    guide
    for guide in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if guide.is_file()
]
PLACEHOLDER = re.compile(r"\.\.\.|…|\b(NAME|DIR|PATH|FOLDER|VALUE)\b")
"""What marks a line as the form of a command, not one to type."""
SHELLS = ("bash", "console", "sh", "shell")
OWN_FLAGS = {"--functions", "--help", "--hydra-help"}


def blocks(guide, *languages):
    """Return line number and text of every fenced block in one of `languages`."""
    found, opened = [], None
    for number, line in enumerate(guide.read_text().splitlines(), start=1):
        fence = re.fullmatch(r"\s*(`{3,}|~{3,})\s*([\w+-]*).*", line)
        if opened is None and fence:
            opened = (number, fence[1], fence[2], [])
        elif opened is not None and fence and fence[1] == opened[1] and not fence[2]:
            if opened[2] in languages:
                found.append((opened[0], "\n".join(opened[3])))
            opened = None
        elif opened is not None:
            opened[3].append(line)
    assert opened is None, f"{guide.name}:{opened[0]}: the block does not end"
    return found


def _without_blocks(guide):
    """Return a page's text with its fenced blocks emptied, lines kept."""
    return re.sub(
        r"^(```|~~~).*?^\1",
        lambda block: "\n" * block[0].count("\n"),
        guide.read_text(),
        flags=re.MULTILINE | re.DOTALL,
    )


def indented(guide):
    """Return line number and text of every line that is indented as code."""
    lines = _without_blocks(guide).splitlines()
    return [(n, line) for n, line in enumerate(lines, start=1) if line.startswith("    ")]


def commands():
    """Return every command of the program in a fenced or indented block, lines joined."""
    found = []
    for guide in GUIDES:
        for number, text in (*blocks(guide, *SHELLS), *indented(guide)):
            for line in re.sub(r"\\\n\s*", "", text).splitlines():
                line = re.sub(r"^(\$ )?(\.venv/bin/)?", "", line.strip())
                if re.match(r"python3? -m framework(\s|$)", line) and not PLACEHOLDER.search(line):
                    found.append(
                        pytest.param(guide, line, id=f"{guide.name}:{number}:{line[20:70]}")
                    )
    return found


def write_shown_files(guide, folder):
    """Write the strategies and choices that the guides show, those of `guide` over all others."""
    for shown_by in (*GUIDES, guide):
        for _, text in blocks(shown_by, "yaml", "yml"):
            named = re.search(r"^# ((?:strategies|conf)/[\w/]+\.yaml)", text, re.MULTILINE)
            strategy = (yaml.safe_load(text) or {}).get("strategy")
            if not named and not isinstance(strategy, dict):
                continue
            file = folder / (named[1] if named else f"strategies/{strategy['name']}.yaml")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


@pytest.mark.parametrize(("guide", "command"), commands())
def test_every_command_composes(guide, command, tmp_path, monkeypatch, capsys):
    words = shlex.split(command, comments=True)[3:]
    write_shown_files(guide, tmp_path)
    (tmp_path / "conf").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    shown = [] if OWN_FLAGS & set(words) else ["--cfg", "job"]
    words = [word for word in words if word not in ("-m", "--multirun")]  # shown once, not swept
    monkeypatch.setattr(sys, "argv", ["framework", *_first_of_each(words), *shown])
    GlobalHydra.instance().clear()

    try:
        main()
    except SystemExit as ended:
        assert not ended.code, capsys.readouterr().err

    assert capsys.readouterr().out


def _first_of_each(words):
    """Return the words of a command, with the first value where a sweep names several."""
    made = []
    for word in words:
        key, equals, value = word.partition("=")
        first = re.fullmatch(r"(?:tag\(\w+,)?(?:range|interval)\(\s*([\d.]+).*\)", value)
        if equals and first:
            value = first[1]
        elif equals and re.fullmatch(r"[\w.]+(,[\w.]+)+", value):
            value = value.partition(",")[0]
        made.append(f"{key}{equals}{value}")
    return made


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_link_leads_somewhere(guide):
    text = _without_code(guide)
    links = re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", text)
    links += re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    broken = []
    for link in links:
        if re.match(r"[a-z][a-z+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (guide.parent / path).resolve() if path else guide
        if not target.exists():
            broken.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(target):
            broken.append(f"{link}: no such heading")
    assert not broken


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_yaml_block_reads(guide):
    for number, text in blocks(guide, "yaml", "yml"):
        try:
            read = yaml.safe_load(text)
        except yaml.YAMLError as fault:
            pytest.fail(f"{guide.name}:{number}: {fault}")
        assert isinstance(read, dict | list), f"{guide.name}:{number}: holds no keys"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_python_block_compiles(guide):
    for number, text in blocks(guide, "python"):
        compile(text, f"{guide.name}:{number}", "exec")


def test_anchors_are_those_of_the_headings(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Your own functions\n\n## `x[n]`: a, b\n## Costs\n```\n# no\n```\n## Costs\n")
    assert anchors(page) == {"your-own-functions", "xn-a-b", "costs", "costs-1"}


def anchors(guide):
    """Return the anchors that the headings of a page get, as GitHub makes them."""
    made = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", _without_blocks(guide), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count, wanted = 0, slug
        while wanted in made:
            count += 1
            wanted = f"{slug}-{count}"
        made.add(wanted)
    return made


def _without_code(guide):
    return re.sub(r"`[^`\n]*`", "", _without_blocks(guide))
