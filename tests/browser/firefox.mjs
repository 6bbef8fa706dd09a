// Firefox for the tests; FIREFOX_BIN names the binary.

import puppeteer from 'puppeteer-core';

const PREFERENCES = {
  // A fake camera and microphone, without a prompt.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  // Machines without a network have only a loopback address.
  'media.peerconnection.ice.loopback': true,
  // mDNS candidates need multicast, which not every machine permits.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Without a sound device, AudioContexts would stay suspended.
  'media.cubeb.force_mock_context': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // Connects to nothing but our server.
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'network.trr.mode': 5,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.unified': false,
};

/** Starts a headless Firefox, driven by WebDriver BiDi. */
export function startFirefox(preferences = {}) {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX_BIN ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: { ...PREFERENCES, ...preferences },
  });
}

/** Opens a page in a context of its own. An exception in it fails the test. */
export async function newFirefoxPage(browser) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  page.on('console', (message) => {
    if (process.env.ACSCALL_TEST_LOG) console.error(`Firefox: ${message.text()}`);
  });
  return page;
}
