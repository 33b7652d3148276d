/** One request of a user, and how it went. */
export interface TrafficRecord {
  readonly at: number;
  /** `NAMESPACE/NAME` of the Service that was picked; `''` when none was. */
  readonly service: string;
  readonly pod: string | null;
  readonly version: string | null;
  readonly code: number;
  readonly latencyMs: number;
  /** Why no pod answered: such a request was lost by the way it took, not by the version. */
  readonly lost: 'no-route' | 'no-backend' | 'no-service' | 'no-endpoints' | 'refused' | null;
}

export interface VersionTraffic {
  readonly requests: number;
  readonly failures: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly pods: readonly string[];
}

export interface TrafficReport {
  readonly sent: number;
  /** Requests that no pod answered, and why. */
  readonly lost: number;
  readonly lostBy: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, VersionTraffic>>;
  /** Per second since the first request: answers by version, `lost` for those without. */
  readonly timeline: readonly Readonly<Record<string, number>>[];
}

const bump = (tally: Record<string, number>, key: string): void => {
  tally[key] = (tally[key] ?? 0) + 1;
};

const versionTraffic = (records: readonly TrafficRecord[]): VersionTraffic => ({
  requests: records.length,
  failures: records.filter(({ code }) => code >= 500).length,
  firstAt: records[0]?.at ?? 0,
  lastAt: records.at(-1)?.at ?? 0,
  pods: [...new Set(records.flatMap(({ pod }) => pod ?? []))],
});

export const reportOf = (records: readonly TrafficRecord[]): TrafficReport => {
  const lostBy: Record<string, number> = {};
  const timeline: Record<string, number>[] = [];
  const byVersion = new Map<string, TrafficRecord[]>();
  const startedAt = records[0]?.at ?? 0;
  for (const record of records) {
    if (record.lost !== null) bump(lostBy, record.lost);
    if (record.version !== null) {
      const own = byVersion.get(record.version) ?? [];
      own.push(record);
      byVersion.set(record.version, own);
    }
    const second = Math.floor((record.at - startedAt) / 1000);
    const slot = timeline[second] ?? {};
    timeline[second] = slot;
    bump(slot, record.version ?? 'lost');
  }
  return {
    sent: records.length,
    lost: records.filter(({ lost }) => lost !== null).length,
    lostBy,
    versions: Object.fromEntries([...byVersion].map(([version, own]) => [version, versionTraffic(own)])),
    timeline: Array.from(timeline, (slot) => slot ?? {}),
  };
};

/** Share of the answers in [from, to) that came from this version; null without answers. */
export const shareOf = (
  records: readonly TrafficRecord[],
  version: string,
  from: number,
  to: number,
): number | null => {
  const within = records.filter(({ at, version: own }) => at >= from && at < to && own !== null);
  return within.length === 0 ? null : within.filter(({ version: own }) => own === version).length / within.length;
};
