// What is alive in a page after its garbage was collected: what grows with every participant that
// comes and goes is a leak.

/** What all that holds more than memory is one of: streams, tracks, connections, nodes, elements. */
const ROOTS = ['EventTarget', 'VideoFrame'];

/** Some garbage needs several collections, and time in between. */
const ROUNDS = 3;

/** Counts what there is when it has been collected again and again: of each class the least. */
export async function settledCensus(page) {
  let least = await census(page);
  for (let round = 1; round < ROUNDS; round += 1) {
    const next = await census(page);
    const objects = Object.entries(next.objects).map(([name, count]) => [
      name,
      Math.min(count, least.objects[name] ?? count),
    ]);
    least = { ...next, objects: Object.fromEntries(objects) };
  }
  return least;
}

/** Counts what there is: `{objects: {class: count}, heap, nodes, listeners}`. */
export async function census(page) {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send('Performance.enable');
    await session.send('HeapProfiler.collectGarbage');
    await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
    const objects = {};
    for (const root of ROOTS) Object.assign(objects, await countOf(session, root));
    const { metrics } = await session.send('Performance.getMetrics');
    const metric = (name) => metrics.find((one) => one.name === name)?.value ?? 0;
    return {
      objects,
      heap: metric('JSHeapUsedSize'),
      nodes: metric('Nodes'),
      listeners: metric('JSEventListeners'),
    };
  } finally {
    await session.detach();
  }
}

/** By the names of their classes; asking for them collects garbage, too. */
async function countOf(session, root) {
  const { result } = await session.send('Runtime.evaluate', { expression: `${root}.prototype` });
  const { objects } = await session.send('Runtime.queryObjects', {
    prototypeObjectId: result.objectId,
    objectGroup: 'census',
  });
  const { result: counts, exceptionDetails } = await session.send('Runtime.callFunctionOn', {
    objectId: objects.objectId,
    functionDeclaration: `function () {
      const counts = {};
      for (const one of this) {
        // The prototypes of classes below that one are no objects of theirs.
        if (Object.hasOwn(one, 'constructor')) continue;
        const name = Object.prototype.toString.call(one).slice(8, -1);
        counts[name] = (counts[name] ?? 0) + 1;
      }
      return counts;
    }`,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.text);
  await session.send('Runtime.releaseObjectGroup', { objectGroup: 'census' });
  return counts.value;
}
