import { Server, join, startBrowser, openPage } from './harness.mjs';
import { Pipeline } from './gst.mjs';
import { setTimeout as delay } from 'node:timers/promises';
const out = process.argv[2];
const server = await Server.start();
const browser = await startBrowser();
const pipes = [];
const launch = (user, video, freq, extra = '') => {
  const at = `user=${user} call=demo server=${server.signalling} embedded-server=false`;
  const audio = freq ? `audiotestsrc is-live=true wave=ticks freq=${freq} volume=0.3 ! s.audio` : '';
  pipes.push(new Pipeline(`videotestsrc is-live=true ${video} ! video/x-raw,width=1280,height=720,framerate=15/1 ! s.video ${audio} acscallsink name=s ${at} ${extra}`));
};
try {
  const lobby = await openPage(browser, server, 'Clara', {}).catch((e) => (console.log(String(e)), null));
  if (lobby) { await lobby.setViewportSize({ width: 1280, height: 800 }); await delay(2000); await lobby.screenshot({ path: `${out}/lobby.png` }); await lobby.context().close(); }
  const page = await join(browser, server, 'demo', 'Clara', { hd: true });
  await page.setViewportSize({ width: 1280, height: 800 });
  await delay(1500);
  await page.screenshot({ path: `${out}/alone.png` });
  launch('Anna', 'pattern=smpte', 440);
  launch('Ben', 'pattern=ball', 0);
  launch('Dora', 'pattern=pinwheel', 0);
  await page.getByText('4 in the call').waitFor();
  await delay(9000);
  await page.mouse.move(640, 790);
  await page.screenshot({ path: `${out}/call.png` });
  await page.getByRole('button', { name: 'People' }).click();
  await delay(800);
  await page.screenshot({ path: `${out}/people.png` });
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'More' }).click();
  await delay(500);
  await page.screenshot({ path: `${out}/more.png` });
  await page.getByRole('button', { name: 'Statistics' }).click();
  await delay(2500);
  await page.screenshot({ path: `${out}/stats.png` });
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Devices' }).click();
  await delay(1500);
  await page.screenshot({ path: `${out}/devices.png` });
} finally {
  for (const p of pipes) await p.stop('SIGKILL').catch(() => {});
  await browser.close();
  await server.kill();
}
