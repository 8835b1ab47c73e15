"""A program's screen as an animated SVG: see `Tools/recording`."""

import argparse
import fcntl
import html
import os
import pty
import select
import signal
import struct
import termios
import time

import pyte

COLOURS = {
    "black": "#21262d", "red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341", "blue": "#79c0ff",
    "magenta": "#d2a8ff", "cyan": "#76e3ea", "white": "#f0f6fc", "default": "#c9d1d9",
}
GROUND, CELL, LINE = "#0d1117", 7.8, 17


def capture(command, columns, rows, seconds):
    """The screen once a second, each as a list of rows, equal ones in a row once: (rows, seconds shown)."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    frames, start, taken = [], time.monotonic(), 0
    while taken < seconds:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                stream.feed(os.read(terminal, 65536))
            except OSError:
                break
        if time.monotonic() - start >= taken + 1:
            taken += 1
            shown = [row(screen.buffer[y], columns) for y in range(rows)]
            if frames and frames[-1][0] == shown:
                frames[-1][1] += 1
            else:
                frames.append([shown, 1])
    os.kill(pid, signal.SIGINT)
    end = time.monotonic() + 20
    while time.monotonic() < end and os.waitpid(pid, os.WNOHANG)[0] == 0:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:
                pass
    return frames


def row(cells, columns):
    """One row as SVG: runs of cells that look the same."""
    runs = []
    for x in range(columns):
        cell = cells[x]
        look = (cell.fg, cell.bg, cell.bold, cell.reverse)
        if runs and runs[-1][1] == look:
            runs[-1][2] += cell.data
        else:
            runs.append([x, look, cell.data])
    text = ""
    for x, (front, back, bold, reverse), words in runs:
        if reverse:
            front, back = (back if back != "default" else GROUND), (front if front != "default" else "default")
        if back != "default" or reverse:
            text += '<rect x="%.1f" width="%.1f" height="%d" fill="%s"/>' % (
                x * CELL, len(words) * CELL, LINE, colour(back))
        if words.strip():
            # Blanks at the ends of a text are some renderers' to drop.
            x, words = x + len(words) - len(words.lstrip()), words.strip()
            text += '<text x="%.1f" y="13" textLength="%.1f" fill="%s"%s>%s</text>' % (
                x * CELL, len(words) * CELL, colour(front), ' font-weight="bold"' if bold else "",
                html.escape(words).replace(" ", "&#160;"))
    return text


def colour(name):
    return COLOURS.get(name.removeprefix("bright"), name if name.startswith("#") else "#" + name)


def picture(frames, columns, rows, title):
    """All frames beside each other, of which one is seen at a time. What rows have in common is there once."""
    width, height = columns * CELL + 20, rows * LINE + 20
    names, symbols, body = {}, [], []
    for index, (shown, _) in enumerate(frames):
        parts = []
        for y, text in enumerate(shown):
            if not text:
                continue
            if text not in names:
                names[text] = "r%d" % len(names)
                symbols.append('<g id="%s">%s</g>' % (names[text], text))
            parts.append('<use href="#%s" y="%d"/>' % (names[text], y * LINE))
        body.append('<g transform="translate(%.1f 0)">%s</g>' % (index * width, "".join(parts)))
    whole = sum(count for _, count in frames) + 4                # the last one stays for some seconds
    steps, at = [], 0
    for index, (_, count) in enumerate(frames):
        steps.append("%.3f%%{transform:translateX(%.1fpx)}" % (at * 100 / whole, -index * width))
        at += count
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.1f %.1f" width="%.0f" role="img" aria-label="%s">'
        "<style>text{font:13px ui-monospace,Menlo,Consolas,monospace}#f{animation:f %ds steps(1,end) infinite}"
        "@keyframes f{%s}</style><defs>%s</defs>"
        '<rect width="100%%" height="100%%" rx="8" fill="%s"/>'
        '<svg x="10" y="10" width="%.1f" height="%.1f"><g id="f">%s</g></svg></svg>\n'
    ) % (width, height, width, html.escape(title, quote=True), whole, "".join(steps), "".join(symbols), GROUND,
         columns * CELL, rows * LINE, "".join(body))


def main():
    parser = argparse.ArgumentParser(prog="Tools/recording", description="Record a program's screen as an SVG.")
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--size", default="110x34", metavar="COLUMNSxROWS")
    parser.add_argument("--title", default="a recording of a terminal")
    parser.add_argument("file")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    frames = capture(options.command, columns, rows, options.seconds)
    if not frames:
        raise SystemExit("Tools/recording: %s has shown nothing" % options.command[0])
    with open(options.file, "w", encoding="utf-8") as file:
        file.write(picture(frames, columns, rows, options.title))


main()
