// Joins a call with a headless browser and prints its statistics, once a second, as JSON.
//
//   node join.mjs [--url http://127.0.0.1:7788/] [--call demo] [--user browser]
//                 [--screen 1500x845] [--no-camera] [--no-microphone] [--seconds 10]

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { join, sendCanvas, startBrowser } from './harness.mjs';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:7788/' },
    call: { type: 'string', default: 'demo' },
    user: { type: 'string', default: 'browser' },
    screen: { type: 'string' },
    'no-camera': { type: 'boolean', default: false },
    'no-microphone': { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
  },
});

const browser = await startBrowser();
try {
  const page = await join(browser, values, values.call, values.user, {
    camera: !values['no-camera'],
    microphone: !values['no-microphone'],
    hd: true,
  });
  if (values.screen) await sendCanvas(page, 'screen', ...values.screen.split('x').map(Number));
  for (let second = 0; second < Number(values.seconds); second += 1) {
    await delay(1_000);
    console.log(JSON.stringify(await page.evaluate(() => window.acscall.getStats())));
  }
  // Through the button, so that the others see it leave.
  await page.getByRole('button', { name: 'Leave' }).click();
} finally {
  await browser.close();
}
