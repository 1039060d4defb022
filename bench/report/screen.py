"""A terminal's screen, as tmux captures it with its controls, drawn as text in an SVG."""
import re
from xml.sax.saxutils import escape

CONTROL = re.compile("\x1b\\[([0-9;]*)m")
WIDTH, HEIGHT, MARGIN = 8.4, 19, 16
STYLES = {"1": "strong", "2": "faint", "31": "bad", "32": "good"}
# What ends which of them.
ENDS = {"": set(STYLES.values()), "0": set(STYLES.values()), "22": {"strong", "faint"}, "39": {"bad", "good"}}
SHEET = """
.card{fill:#fbfcfb;stroke:#c2c9c6}text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1b2422;white-space:pre}
.strong{font-weight:700}.faint{fill:#4d5956}.good{fill:#145f37}.bad{fill:#a11d17}
@media (prefers-color-scheme:dark){.card{fill:#141a18;stroke:#333d3a}text{fill:#e7edea}.faint{fill:#a9b6b1}.good{fill:#7ddba0}.bad{fill:#ff9c92}}
""".strip()


def pieces(line, style):
    """A line's parts, each with its place and style, and the style that the next line begins with."""
    found, place, last = [], 0, 0
    for control in [*CONTROL.finditer(line), None]:
        text = line[last:control.start() if control else len(line)]
        if text.strip():
            found.append((place, text, style))
        place += len(text)
        if control:
            last = control.end()
            for number in control[1].split(";"):
                style = style - ENDS.get(number, set()) | ({STYLES[number]} if number in STYLES else set())
    return found, style


def drawing(capture, columns, title):
    """
    - Parameters: what `tmux capture-pane -e -p` gave; how wide the terminal is; what the picture shows, in words.
    """
    lines = capture.rstrip("\n").split("\n")
    width, height = columns * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN
    texts, style = [], set()
    for number, line in enumerate(lines):
        found, style = pieces(line, style)
        for place, text, look in found:
            own = text.lstrip(" ")
            place += len(text) - len(own)
            own = own.rstrip(" ")
            kind = f' class="{" ".join(sorted(look))}"' if look else ""
            # As wide as its columns, whichever font is there.
            texts.append(
                f'<text{kind} x="{MARGIN + place * WIDTH:.1f}" y="{MARGIN + number * HEIGHT + 14}" '
                f'textLength="{len(own) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs">{escape(own)}</text>'
            )
    whole = "\n".join(CONTROL.sub("", line).rstrip() for line in lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" aria-labelledby="t d">\n'
        f"<title id=\"t\">{escape(title)}</title>\n<desc id=\"d\">{escape(whole)}</desc>\n<style>\n{SHEET}\n</style>\n"
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8"/>\n' + "\n".join(texts) + "\n</svg>\n"
    )
