"""The report's bars: what the page draws beside what `mitosis report --json` says."""
# Of the page: names of rows, and each bar's numbers beside its drawn size.
BARS = """
[...document.querySelectorAll('svg.bar')].map(svg => {
  const row = svg.closest('tr'), step = svg.closest('details'), table = svg.closest('table');
  const whole = svg.getBoundingClientRect();
  return {
    table: table ? table.caption.textContent : 'steps',
    name: row ? row.cells[0].textContent : step.id,
    parts: [...svg.querySelectorAll('rect[data-length]')].map(rect => {
      const drawn = rect.getBoundingClientRect();
      return {
        from: +rect.dataset.from, length: +rect.dataset.length, total: +rect.dataset.total,
        left: (drawn.left - whole.left) / whole.width, width: drawn.width / whole.width,
      };
    }),
  };
})
"""


def expected(report):
    """What each bar must stand for, by its table's first words and its row: (from, length)."""
    bars = {}
    for stage in report["stages"]:
        first, last = stage["steps"][0], stage["steps"][-1]
        length = last["offset"] + last["milliseconds"] - first["offset"]
        bars.setdefault(("Stages along", stage["name"]), []).append((first["offset"], length))
        for step in stage["steps"]:
            bars[("steps", f"step-{step['number']}")] = [(step["offset"], step["milliseconds"])]
    window = report.get("window")
    seen = report["unavailability"].get("destination")
    if window:
        rows = {"predicted": window["predicted"], "if an election stalls": window["predictedWithStall"]}
        rows.update({f"session of {name}": number for name, number in window["sessions"].items()})
        if seen is not None:
            rows["seen"] = seen
        bars.update({("The window,", name): [(0, number)] for name, number in rows.items()})
    for node in report["histories"]:
        if "behind" in node:
            bars[("What each node", node["host"])] = [(0, node["behind"])] if node["behind"] else []
    for start in report["starts"]:
        bars[("From the start", start["host"])] = [(0, start["milliseconds"])] if "milliseconds" in start else []
    for proof in report["proofs"]:
        for server, latency in (proof.get("latencies") or {}).items():
            bars[(f"Slowest answer of each server in the smoke test {proof['step']},", server)] = [(0, latency)]
    return bars


def compare(bars, report):
    """Differences between what is drawn and what the report says."""
    wanted = expected(report)
    missing = set(wanted)
    stages = {}
    for bar in bars:
        key = next((k for k in wanted if bar["table"].startswith(k[0]) and bar["name"] == k[1]), None)
        if bar["name"] == "the window":
            if [p["length"] for p in bar["parts"]] != [report["unavailability"].get("destination")]:
                yield f"the window along the run is {bar['parts']}"
            continue
        if key is None:
            yield f"a bar that the report does not have: {bar['table']}, {bar['name']}"
            continue
        missing.discard(key)
        numbers = [(part["from"], part["length"]) for part in bar["parts"]]
        # A stage that the run came back to has several rows.
        index = stages[key] = stages.get(key, -1) + 1
        right = wanted[key][index:index + 1] if key[0] == "Stages along" else wanted[key]
        if numbers != right:
            yield f"{key} is {numbers}, and {right} in the report"
        for part in bar["parts"]:
            width = min(max(part["length"] / part["total"], 0.006), 1)
            left = min(part["from"] / part["total"], 1 - width)
            if abs(part["width"] - width) > 0.002 or abs(part["left"] - left) > 0.002:
                yield f"{key} is drawn from {part['left']:.4f}, {part['width']:.4f} wide, not from {left:.4f}, {width:.4f}"
    yield from (f"no bar for {key}" for key in sorted(missing) if wanted[key])
