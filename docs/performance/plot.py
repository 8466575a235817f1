#!/usr/bin/env python3
"""Draws docs/performance/*.svg from the JSON that measure.py writes. Needs nothing but Python."""

import json
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 150, 40, 60
COLOURS = ["#1b6ca8", "#c0392b", "#1e8449", "#8e44ad", "#b7950b"]


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return json.load(file)


def ticks(low, high):
    """Powers of ten that cover a range."""
    return [10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def label(value):
    """A tick's name: 1, 10, 100, 1k, 1M, or 1e-3 below one."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def chart(name, title, x_title, y_title, lines, x_log=True):
    """One chart. `lines` is a list of (name, [(x, y)]); y is logarithmic."""
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    y_ticks = ticks(min(ys), max(ys))
    x_ticks = ticks(min(xs), max(xs)) if x_log else sorted(set(xs))
    x_low, x_high = x_ticks[0], x_ticks[-1]

    def place_x(x):
        if x_log:
            part = math.log10(x / x_low) / math.log10(x_high / x_low)
        else:
            part = (x - x_low) / (x_high - x_low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def place_y(y):
        part = math.log10(y / y_ticks[0]) / math.log10(y_ticks[-1] / y_ticks[0])
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{title}</text>',
    ]
    for x in x_ticks:
        at = place_x(x)
        out.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{label(x)}</text>')
    for y in y_ticks:
        at = place_y(y)
        out.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{label(y)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle}" y="{HEIGHT - 16}" text-anchor="middle">{x_title}</text>')
    out.append(f'<text transform="translate(20 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{y_title}</text>')
    for i, (line, points) in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        out.append(f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 16 + 20 * i}" fill="{colour}">{line}</text>')
    out.append("</svg>\n")
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        file.write("\n".join(out))


def lines(rows, x, y):
    """Rows grouped by workload."""
    groups = {}
    for row in rows:
        groups.setdefault(row["workload"], []).append((row[x], row[y]))
    return [(name, sorted(points)) for name, points in groups.items()]


def main():
    batches = load("batches.json")
    chart("throughput.svg", "Throughput against batch size", "operations in one computation",
          "operations per second", lines(batches, "count", "per_second"))
    chart("memory.svg", "Memory of one party against size", "operations in one computation",
          "bytes (whole process)", lines(batches, "count", "max_rss_bytes"))
    delays = load("delays.json")
    named = [{**row, "workload": f"{row['workload']} × {label(row['count'])}"} for row in delays]
    chart("delay.svg", "Time against network delay", "one-way delay of every link, ms",
          "seconds", lines(named, "delay_ms", "seconds"), x_log=False)


if __name__ == "__main__":
    main()
