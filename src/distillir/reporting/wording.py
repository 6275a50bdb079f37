"""Wording of numbers, the same in the report and in the terminal."""

from distillir.reporting.metrics import Comparison

UNKNOWN = "–"
MINUS = "\N{MINUS SIGN}"


def measured(value: float | None) -> str:
    """A mean to three places: ``0.455``; a dash where there is none."""
    return UNKNOWN if value is None else f"{value:.3f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """A difference with its sign: ``+0.143``; zero has none."""
    if value is None:
        return UNKNOWN
    text = f"{value:+.3f}".replace("-", MINUS)
    return "0.000" if text[1:] == "0.000" else text


def percent(share: float | None) -> str:
    """A share: ``93 %``, with a narrow space that does not break."""
    return UNKNOWN if share is None else f"{100 * share:.0f}\N{NARROW NO-BREAK SPACE}%".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """A p value without its name: ``< 0.001``, ``0.034``, ``0.41``."""
    if value is None:
        return UNKNOWN
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def interval(compared: Comparison | None) -> str:
    """A confidence interval: ``[+0.101, +0.185]``."""
    if compared is None or compared.low is None or compared.high is None:
        return UNKNOWN
    return f"[{signed(compared.low)}, {signed(compared.high)}]"


def duration(seconds: float) -> str:
    """Seconds in the two units that matter: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(value: float) -> str:
    """A whole number with its thousands set apart: ``48 000``."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def short(value: float) -> str:
    """A number to three digits that count: ``0.292``, ``17.3``."""
    return f"{value:.3g}".replace("-", MINUS)


def plain(value: object) -> str:
    """Any value of a free-form table: floats to four digits that count, everything else as it is."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: UNKNOWN}[value]
    if isinstance(value, int):
        return count(value) if abs(value) >= 10_000 else str(value).replace("-", MINUS)
    if isinstance(value, float):
        return (count(value) if abs(value) >= 10_000 else f"{value:.4g}").replace("-", MINUS)
    return str(value)


def shortened(text: str, length: int = 300) -> str:
    """The first ``length`` characters of a text, cut at a word where one ends near, without control characters."""
    kept = "".join(c for c in text if c in "\n\t" or (c.isprintable() or c.isspace()))
    lines = [line.rstrip() for line in kept.strip().splitlines()]
    kept = "\n".join(line for line in lines if line)
    if len(kept) <= length:
        return kept
    cut = kept[:length]
    space = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:space] if space > 0.7 * length else cut).rstrip() + " …"


def rows_of(value: object, name: str = "") -> list[tuple[str, object]]:
    """Rows of a table from nested free-form numbers: ``{"a": {"b": 1}}`` is ``a b`` and 1."""
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in rows_of(inner, f"{name} {key}".strip())]
    if isinstance(value, list):
        return [(name, ", ".join(plain(v) for v in value))]
    return [(name, value)]
