"""ARCHITECTURE.md's import table holds, for imports inside functions too; importing is cheap."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "gnomon"


def table() -> dict[str, set[str]]:
    rows = re.findall(
        r"^\| ((?:`\w+/?`(?:, )?)+) \| .* \| (.+) \|$",
        (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    allowed: dict[str, set[str]] = {}
    for parts, may in rows:
        names = set() if may.startswith("nothing") else {name.strip() for name in may.split(",")}
        for part in re.findall(r"`(\w+)/?`", parts):
            allowed[part] = names
    return allowed


def imported_parts(tree: ast.AST, path: Path) -> set[tuple[str, int]]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write it out"
            base = node.module or ""
            names = [f"{base}.{a.name}" for a in node.names] if base == "gnomon" else [base]
        else:
            continue
        for name in names:
            pieces = name.split(".")
            if pieces[0] == "gnomon" and len(pieces) > 1 and pieces[1] != "__version__":
                found.add((pieces[1], node.lineno))
    return found


def violations(allowed: dict[str, set[str]], files: dict[Path, str]) -> list[str]:
    wrong = []
    for path, source in sorted(files.items()):
        relative = path.relative_to(PACKAGE)
        part = relative.parts[0].removesuffix(".py")
        if part in ("__init__", "__main__"):
            continue
        if part not in allowed:
            wrong.append(f"{relative}: the part {part!r} is not in ARCHITECTURE.md's table")
            continue
        for other, line in sorted(imported_parts(ast.parse(source), path)):
            if other != part and other not in allowed[part]:
                wrong.append(f"{relative}:{line}: {part} may not import {other}")
    return wrong


def sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}


def test_every_import_obeys_the_table():
    allowed = table()
    assert len(allowed) >= 15
    assert not violations(allowed, sources())


def test_the_check_can_fail():
    bad = {PACKAGE / "store" / "x.py": "def f():\n    from gnomon.truth import answer\n"}
    assert violations(table(), bad) == ["store/x.py:2: store may not import truth"]
    assert violations(table(), {PACKAGE / "misc.py": ""}) == [
        "misc.py: the part 'misc' is not in ARCHITECTURE.md's table"
    ]


def test_importing_gnomon_and_its_face_is_cheap():
    """No torch anywhere; no engine, model or network library before it is needed; and what opens
    the store for a question loads nothing of the areas that it does not ask."""
    code = (
        "import sys, gnomon, gnomon.cli\n"
        "heavy = {'torch', 'faiss', 'tantivy', 'xllamacpp', 'apsw', 'trafilatura', 'httpx',"
        " 'starlette', 'uvicorn', 'pyarrow', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "import gnomon.assemble\n"
        "heavy -= {'tantivy', 'apsw', 'numpy'}\n"
        "heavy |= {'cryptography', 'websockets', 'datasketches', 'PIL', 'gnomon.trends',"
        " 'gnomon.digest', 'gnomon.skills', 'gnomon.guardrails', 'gnomon.provenance'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "[]", ""]
