"""The probes' plots: what the page draws beside what `mitosis report --json` says."""
import re

# Of the page: each plot's heading and its columns, numbers beside their drawn place.
PLOTS = """
[...document.querySelectorAll('svg.time')].map(svg => {
  const whole = svg.getBoundingClientRect();
  return {
    caption: svg.closest('figure').querySelector('figcaption').textContent,
    height: whole.height,
    columns: [...svg.querySelectorAll('rect[data-at]')].map(rect => {
      const drawn = rect.getBoundingClientRect();
      return {
        at: +rect.dataset.at, value: +rect.dataset.value, kind: rect.getAttribute('class'),
        left: (drawn.left - whole.left) / whole.width, width: drawn.width / whole.width,
        height: drawn.height / whole.height, below: (whole.bottom - drawn.bottom) / whole.height,
      };
    }),
  };
})
"""
# Milliseconds without an acknowledged write; what is longer is marked.
INTERRUPTED = 1000
# A plot is 1,000 by 120 units, of which only whole ones are drawn.
ACROSS, UP = 1 / 1000 + 0.001, 1 / 120 + 0.002


def expected(report):
    """By its heading, what each plot's columns must be: (at, value, kind)."""
    plots = {}
    for probed in report.get("probes", []):
        name = probed["side"].capitalize()
        points = probed["points"]
        plots[f"{name}: longest time between two acknowledged writes"] = [
            (p["at"], p["gap"], "mark" if p["gap"] > INTERRUPTED else "fill") for p in points
        ]
        plots[f"{name}: slowest answer"] = [(p["at"], p["worst"], "fill") for p in points]
        plots[f"{name}: transactions of the present epoch (zxid)"] = [
            (p["at"], int(p["zxid"], 16) & 0xFFFFFFFF, "second") for p in points if "zxid" in p
        ]
    return plots


def compare(drawn, report):
    """Differences between what is drawn and what the report says."""
    wanted = expected(report)
    times = [point["at"] for probed in report.get("probes", []) for point in probed["points"]]
    missing = set(wanted)
    for plot in drawn:
        name = plot["caption"].split("; the whole height is ")[0]
        if name not in missing:
            yield f"a plot that the report does not have, or twice: {plot['caption']}"
            continue
        missing.discard(name)
        right = wanted[name]
        columns = [(column["at"], column["value"], column["kind"]) for column in plot["columns"]]
        if columns != right:
            first = next((pair for pair in zip(columns, right) if pair[0] != pair[1]), "")
            yield f"{name} has {len(columns)} columns, and {len(right)} in the report; the first that differ: {first}"
            continue
        most = max((value for _, value, _ in right), default=0)
        if not re.search(rf"; the whole height is {most}(?: ms)?, from ", plot["caption"]):
            yield f"its highest column is {most}, and its caption says {plot['caption']}"
        if plot["height"] < 60:
            yield f"{name} is {plot['height']} px high"
        yield from misplaced(name, plot["columns"], most, min(times), max(times))
    yield from (f"no plot for {name}" for name in sorted(missing))


def misplaced(name, columns, most, first, last):
    """The first column of a plot that is not where and as large as its numbers say."""
    apart = sorted(after["at"] - before["at"] for before, after in zip(columns, columns[1:]))
    # As wide as most are apart: of 1,000 units 2 at least, 40 at most.
    wide = min(max(2, apart[len(apart) // 2] * 1000 // max(1, last - first) - 1), 40) / 1000 if apart else 0.04
    for column in columns:
        left = (column["at"] - first) / max(1, last - first) * (1 - wide)
        height = column["value"] / max(1, most)
        right = abs(column["left"] - left) <= ACROSS and abs(column["width"] - wide) <= ACROSS
        if not right or abs(column["height"] - height) > UP or abs(column["below"]) > UP:
            yield f"{name}: {column} is not drawn at {left:.4f}, {wide:.4f} wide and {height:.4f} high"
            return
