// The browser's measurements of every stream, as rates: for the tiles' small print and the table.

/** @typedef {Record<string, any>} Report One of `call.getStats()`. */

/**
 * What is said of one stream.
 * @typedef {object} Line
 * @property {Report} report
 * @property {string} size
 * @property {string} rate
 * @property {string} bits Bits per second; '' at the first look.
 * @property {string} lost
 */

/** Makes rates of what was measured before and what is measured now. */
export class Measurements {
  /** The bytes and the time of the last look. */
  #before = new Map();

  /**
   * @param {Report[]} reports
   * @returns {Line[]}
   */
  read(reports) {
    const now = new Map();
    const lines = reports.map((report) => {
      const key = [report.direction, report.participant, report.kind].join('/');
      const { bytes, timestamp } = report;
      now.set(key, { bytes, timestamp });
      return {
        report,
        size: report.frameWidth ? `${report.frameWidth}×${report.frameHeight}` : '',
        rate: report.frameWidth ? `${Math.round(report.framesPerSecond ?? 0)} fps` : '',
        bits: bitRate(this.#before.get(key), { bytes, timestamp }),
        lost: report.packetsLost === undefined ? '' : String(report.packetsLost),
      };
    });
    this.#before = now;
    return lines;
  }
}

function bitRate(before, now) {
  if (!before || now.bytes < before.bytes || now.timestamp <= before.timestamp) return '';
  const rate = (8 * (now.bytes - before.bytes)) / (now.timestamp - before.timestamp);
  return rate < 1000 ? `${Math.round(rate)} kbit/s` : `${(rate / 1000).toFixed(1)} Mbit/s`;
}

/** A line in one: for a tile. */
export function smallPrint({ size, rate, bits }) {
  return [size, rate, bits].filter(Boolean).join(' · ');
}
