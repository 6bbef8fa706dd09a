// The live objects of a page after garbage collection. A number that grows with every participant
// who comes and goes is a leak.

/** The classes that hold more than memory: streams, tracks, connections, nodes, elements. */
const ROOTS = ['EventTarget', 'VideoFrame'];

/** Some garbage needs several collections, with pauses. */
const ROUNDS = 3;

/** Counts after several collections; the lowest count of each class. */
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

/** Counts the live objects: `{objects: {class: count}, heap, nodes, listeners}`. */
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

/** Counts by class name; the query itself collects garbage. */
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
        // Prototypes of subclasses are no instances.
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
