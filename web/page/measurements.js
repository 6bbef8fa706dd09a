// The browser's statistics of every stream, as rates, for the tiles and the table.

/** @typedef {Record<string, any>} Report An entry of `call.getStats()`. */

/**
 * The texts about one stream.
 * @typedef {object} Line
 * @property {Report} report
 * @property {string} size
 * @property {string} rate
 * @property {string} bits The bitrate; '' for the first report.
 * @property {string} lost
 */

/** Computes rates from consecutive reports. */
export class Measurements {
  /** The byte counts and times of the previous reports. */
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

/** Joins a line into one text, for a tile. */
export function smallPrint({ size, rate, bits }) {
  return [size, rate, bits].filter(Boolean).join(' · ');
}
