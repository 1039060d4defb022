"""What `mitosis report --json` says beside the journal's own rows, counted here once more."""
import json
import re
import sqlite3

# As many points of a probe as a page has room for.
ROOM = 200


def place(plan, name):
    """Where a plan of that name has its journal."""
    key = re.search(r"""^journal:\s*["']?([^\s"'#]+)""", plan.read_text(), re.M)
    return plan.parent / (key[1] if key else f"{name}.journal.sqlite")


def kept(path, run):
    """A run's steps and what its probes were answered."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        steps = database.execute("SELECT step, attempt, intendedAt, decidedAt FROM step WHERE run = ? ORDER BY rowid", (run,)).fetchall()
        rows = database.execute("SELECT content FROM event WHERE run = ? ORDER BY number", (run,)).fetchall()
    finally:
        database.close()
    events = [json.loads(content) for (content,) in rows]
    return {"steps": steps, "samples": [event["probe"] for event in events if event["event"] == "probed"]}


def compare(report, own):
    """Differences between the report and what its journal has."""
    told = [step for stage in report["stages"] for step in stage["steps"]]
    steps = [(step["step"], step["attempt"], step["intendedAt"], step.get("decidedAt")) for step in told]
    if steps != own["steps"]:
        first = next((pair for pair in zip(own["steps"], steps) if pair[0] != pair[1]), "")
        yield f"{len(own['steps'])} steps in the journal, {len(steps)} in the report; the first that differ: {first}"
    for step in told:
        if "decidedAt" in step and step["milliseconds"] != max(0, step["decidedAt"] - step["intendedAt"]):
            yield f"{step['step']} took {step['decidedAt'] - step['intendedAt']} ms by the journal, {step['milliseconds']} by the report"
    yield from compare_probes({probed["side"]: probed for probed in report.get("probes", [])}, own["samples"])


def compare_probes(told, samples):
    sides = {sample["side"] for sample in samples}
    if sides != set(told):
        yield f"the journal has probes of {sorted(sides)}, the report of {sorted(told)}"
    for side in sorted(sides & set(told)):
        own = sorted((sample for sample in samples if sample["side"] == side), key=lambda sample: sample["at"])
        width = -(-len(own) // ROOM)
        points = [point(own[start:start + width]) for start in range(0, len(own), width)]
        if points != told[side]["points"]:
            first = next((pair for pair in zip(points, told[side]["points"]) if pair[0] != pair[1]), "")
            yield f"{side}: {len(points)} points by the journal, {len(told[side]['points'])} in the report; the first that differ: {first}"
        whole = {
            "samples": len(own),
            "writes": sum(sample["writes"] for sample in own),
            "failures": sum(sample["failures"] for sample in own),
            "longestGap": max(sample["gap"] for sample in own),
        }
        for name, number in whole.items():
            if told[side][name] != number:
                yield f"{side}: {name} is {number} by the journal, {told[side][name]} in the report"


def point(some):
    """The one that stands for samples in a row."""
    zxids = [sample["zxid"] for sample in some if "zxid" in sample]
    return {
        "at": some[-1]["at"],
        "writes": sum(sample["writes"] for sample in some),
        "failures": sum(sample["failures"] for sample in some),
        "worst": max(sample["worst"] for sample in some),
        "gap": max(sample["gap"] for sample in some),
    } | ({"zxid": zxids[-1]} if zxids else {})
