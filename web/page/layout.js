// The layout of the tiles: rectangles from the stage's size and the aspect ratios. No DOM.

/**
 * @typedef {object} Box
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 */

/** The aspect ratio of a tile without a picture, on a wide and on a high stage. */
const WIDE = 16 / 9;
const HIGH = 4 / 3;

/** The minimum width of a tile in pixels: below this the stage scrolls. */
const SMALLEST = 132;

/** The share of the stage for featured tiles, at most. */
const FEATURED_WIDE = 0.8;
const FEATURED_HIGH = 0.66;

/**
 * Places tiles with these aspect ratios (0: no picture). The `featured` ones are large, the others
 * in a strip beside or below them.
 * @param {{width: number, height: number}} stage
 * @param {number[]} aspects
 * @param {number} gap
 * @param {number[]} [featured]
 * @returns {{boxes: Box[], height: number}} `height` exceeds the stage's if it scrolls.
 */
export function arrange(stage, aspects, gap, featured = []) {
  const whole = { x: 0, y: 0, ...stage };
  const shapes = aspects.map((aspect) => aspect || (stage.width > stage.height ? WIDE : HIGH));
  const others = shapes.map((_, at) => at).filter((at) => !featured.includes(at));
  if (!featured.length || !others.length)
    return scrolled(whole, grid(whole, shapes, gap), shapes, gap);
  const [large, strip] = split(
    whole,
    featured.map((at) => shapes[at]),
    gap,
  );
  const boxes = /** @type {Box[]} */ ([]);
  const put = (area, which) =>
    grid(
      area,
      which.map((at) => shapes[at]),
      gap,
    ).forEach((box, at) => (boxes[which[at]] = box));
  put(large, featured);
  put(strip, others);
  return { boxes, height: stage.height };
}

/** Returns the area for the featured tiles and the one for the others. */
function split({ width, height }, shapes, gap) {
  if (width > 1.1 * height) {
    const large = Math.round(Math.max(FEATURED_WIDE * width, width - 280));
    return [
      { x: 0, y: 0, width: large, height },
      { x: large + gap, y: 0, width: width - large - gap, height },
    ];
  }
  const natural = shapes.length > 1 ? Infinity : width / shapes[0];
  const large = Math.round(Math.min(natural, FEATURED_HIGH * height));
  return [
    { x: 0, y: 0, width, height: large },
    { x: 0, y: large + gap, width, height: height - large - gap },
  ];
}

/** Fills rows, with the number of columns that makes the tiles largest. */
function grid(area, shapes, gap) {
  let best = /** @type {{boxes: Box[], covered: number}} */ ({ boxes: [], covered: -1 });
  for (let columns = 1; columns <= shapes.length; columns += 1) {
    const boxes = rows(area, shapes, columns, gap);
    const covered = boxes.reduce((sum, { width, height }) => sum + width * height, 0);
    if (covered > best.covered) best = { boxes, covered };
  }
  return best.boxes;
}

/** Falls back to tiles of the minimum width on a scrolling stage, where the grid is too small. */
function scrolled(area, boxes, shapes, gap) {
  if (boxes.every(({ width }) => width >= Math.min(SMALLEST, area.width))) {
    return { boxes, height: area.height };
  }
  const columns = Math.max(1, Math.floor((area.width + gap) / (SMALLEST + gap)));
  const endless = rows({ ...area, height: Infinity }, shapes, columns, gap);
  return { boxes: endless, height: Math.max(area.height, bottom(endless)) };
}

/** Fills rows of equal height with this many columns; the last row is no higher than the others. */
function rows(area, shapes, columns, gap) {
  const lines = [];
  for (let at = 0; at < shapes.length; at += columns) lines.push(shapes.slice(at, at + columns));
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const room = (line) => Math.max(1, area.width - gap * (line.length - 1)) / sum(line);
  const most = Math.max(...lines.filter((line) => line.length === columns).map(room));
  const natural = lines.map((line) => Math.min(room(line), most));
  const gaps = gap * (lines.length - 1);
  const scale = Math.min(1, Math.max(1, area.height - gaps) / sum(natural));
  const isEndless = area.height === Infinity;
  const total = scale * sum(natural) + gaps;
  let y = area.y + (isEndless ? 0 : Math.max(0, (area.height - total) / 2));
  return lines.flatMap((line, at) => {
    const height = scale * natural[at];
    let x = area.x + (area.width - height * sum(line) - gap * (line.length - 1)) / 2;
    const boxes = line.map((shape) => {
      const box = { x, y, width: height * shape, height };
      x += box.width + gap;
      return box;
    });
    y += height + gap;
    return boxes;
  });
}

function bottom(boxes) {
  return Math.max(...boxes.map(({ y, height }) => y + height));
}
