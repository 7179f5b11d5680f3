// Draws a Timeline as SVG: one row per step, each beginning where the one before ended.
import { STEPS, duration } from './timeline.js';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const WIDE = 620;
const BREAK = 56;
const BAR = 14;
/** Short steps stay visible. */
const MIN_BAR = 3;

function node(name, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** 1, 2 or 5 times a power of ten, so that ticks are at least `pixels` apart. */
function tickStep(msPerPixel, pixels) {
  const least = msPerPixel * pixels;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

/** Milliseconds to pixels; the stretch in which the tab only waited becomes a break of fixed width. */
class Scale {
  constructor(left, right, end, wait) {
    this.left = left;
    this.wait = wait;
    this.end = end;
    const drawn = Math.max(1, end - (wait?.ms ?? 0));
    this.pixelsPerMs = (right - left - (wait ? BREAK : 0)) / drawn;
  }

  x(ms) {
    const { left, wait, pixelsPerMs } = this;
    if (!wait || ms <= wait.from) return left + ms * pixelsPerMs;
    const breakLeft = left + wait.from * pixelsPerMs;
    if (ms < wait.to) return breakLeft + (BREAK * (ms - wait.from)) / wait.ms;
    return breakLeft + BREAK + (ms - wait.to) * pixelsPerMs;
  }

  /** Ticks count drawn milliseconds: the axis goes on after the break where it stopped. */
  ticks() {
    const drawn = this.end - (this.wait?.ms ?? 0);
    const step = tickStep(1 / this.pixelsPerMs, 64);
    const ticks = [];
    for (let shown = 0; shown <= drawn + 1e-6; shown += step) {
      const ms = this.wait && shown > this.wait.from ? shown + this.wait.ms : shown;
      ticks.push({ x: this.x(ms), label: duration(shown).replace('.0', '') });
    }
    return ticks;
  }
}

function rows(timeline) {
  const done = timeline.steps;
  const list = STEPS.map((step, index) => ({ ...step, what: step.what(timeline.role), ...done[index] }));
  const dots = (direction, name, what) => {
    return { name, what, by: 'tabs', moments: timeline.candidates[direction] };
  };
  const ice = list.findIndex(({ mark }) => mark === 'ice');
  list.splice(
    ice,
    0,
    dots('sent', 'Candidates sent', 'addresses of this tab, each as soon as it is known'),
    dots('received', 'Candidates received', 'addresses of the other tab'),
  );
  return list;
}

function value(row) {
  if (row.moments) {
    if (row.moments.length === 0) return '–';
    return `${row.moments.length} in ${duration(row.moments.at(-1) - row.moments[0])}`;
  }
  return row.ms === undefined ? '–' : duration(row.ms);
}

/** Replaces what is in the svg element. */
export function draw(svg, timeline, width) {
  const wide = width >= WIDE;
  const list = rows(timeline);
  const rowHeight = wide ? 32 : 50;
  const top = 8;
  const bottom = top + list.length * rowHeight;
  const [left, right] = wide ? [168, width - 108] : [2, width - 8];
  const end = Math.max(
    timeline.steps.at(-1)?.to ?? 0,
    timeline.candidates.sent.at(-1) ?? 0,
    timeline.candidates.received.at(-1) ?? 0,
  );
  const scale = new Scale(left, right, end, timeline.wait);

  svg.setAttribute('viewBox', `0 0 ${width} ${bottom + 26}`);
  svg.setAttribute('width', width);
  svg.setAttribute('height', bottom + 26);
  const axis = node('g', { class: 'axis' });
  const groups = [];

  if (end > 0) {
    for (const { x, label } of scale.ticks()) {
      const anchor = x > right - 16 ? 'end' : x < left + 16 ? 'start' : 'middle';
      axis.append(
        node('line', { x1: x, x2: x, y1: top, y2: bottom }),
        node('text', { x, y: bottom + 18, 'text-anchor': anchor }, label),
      );
    }
  }

  list.forEach((row, index) => {
    const y = top + index * rowHeight;
    const middle = wide ? y + rowHeight / 2 : y + 28;
    const textY = wide ? middle + 5 : y + 14;
    const known = row.moments ? row.moments.length > 0 : row.ms !== undefined;
    const group = node('g', { class: `row ${row.by}${known ? '' : ' unknown'}` });
    group.append(
      node('title', {}, `${row.name}: ${value(row)}. ${row.what}`),
      node('text', { class: 'name', x: wide ? 0 : left, y: textY }, row.name),
      node('text', { class: 'value', x: wide ? width : right, y: textY, 'text-anchor': 'end' }, value(row)),
    );
    if (row.moments) {
      if (row.moments.length > 1) {
        const [x1, x2] = [scale.x(row.moments[0]), scale.x(row.moments.at(-1))];
        group.append(node('line', { class: 'span', x1, x2, y1: middle, y2: middle }));
      }
      for (const moment of row.moments) {
        group.append(node('circle', { cx: scale.x(moment), cy: middle, r: 4 }));
      }
    } else if (known) {
      const x = scale.x(row.from);
      const barWidth = Math.max(MIN_BAR, scale.x(row.to) - x);
      group.append(
        node('rect', {
          class: 'bar',
          x,
          y: middle - BAR / 2,
          width: barWidth,
          height: BAR,
          rx: Math.min(4, barWidth / 2),
        }),
      );
      if (row.mark === 'heard' && scale.wait) group.append(...breakMark(scale, middle));
    }
    groups.push(group);
  });

  svg.replaceChildren(svg.querySelector('title'), axis, ...groups);
}

/** Two slanted cuts through the bar, and how much time was cut out. */
function breakMark(scale, middle) {
  const center = scale.x(scale.wait.from) + BREAK / 2;
  const cut = (x) => node('path', { class: 'cut', d: `M${x - 4} ${middle + BAR / 2 + 3} l8 ${-BAR - 6}` });
  const text = `waited ${duration(scale.wait.ms)}`;
  const note = node('text', { class: 'note', x: center + BREAK / 2 + 8, y: middle + 4 }, text);
  return [cut(center - 4), cut(center + 4), note];
}

/** The same numbers as rows of a table. */
export function fillTable(body, timeline) {
  body.replaceChildren(
    ...rows(timeline).map((row) => {
      const line = document.createElement('tr');
      const cell = (tag, text, className = '') => {
        const element = document.createElement(tag);
        element.textContent = text;
        if (className) element.className = className;
        return element;
      };
      const began = row.moments ? row.moments[0] : row.from;
      const ended = row.moments ? row.moments.at(-1) : row.to;
      const heading = cell('th', row.name);
      heading.scope = 'row';
      const what = cell('span', row.what, 'what');
      heading.append(what);
      line.append(
        heading,
        cell('td', began === undefined ? '–' : `${began.toFixed(1)} ms`),
        cell('td', ended === undefined ? '–' : `${ended.toFixed(1)} ms`),
        cell('td', value(row)),
      );
      if (row.mark) line.dataset.mark = row.mark;
      if (row.ms !== undefined) line.dataset.ms = row.ms.toFixed(2);
      return line;
    }),
  );
}
