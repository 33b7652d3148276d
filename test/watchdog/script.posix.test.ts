import { describe, expect, test } from 'vitest';
import { orders, podOrders } from './orders.ts';
import {
  accepting,
  apiDown,
  apiUp,
  at,
  leaseGone,
  left,
  markAnothers,
  markGone,
  refusing,
  released,
  renewed,
  since,
  stateGone,
  type Told,
  tell,
  unseen,
  until,
} from './world.ts';

const HTTP = 'httproutes.v1.gateway.networking.k8s.io-checkout';
const GRPC = 'grpcroutes.v1.gateway.networking.k8s.io-checkout-grpc';
const SERVICE = 'services-checkout-canary';
const CANARY = 'deployments.v1.apps-checkout-canary';

const objects = ({ patches }: Told): readonly string[] => patches.map(({ object }) => object);
const TERMINATED = 143;

describe('a live holder', () => {
  test('is left alone for as long as it renews the Lease', () => {
    const told = tell(orders(), [renewed()], 200);

    expect(told).toMatchObject({ exitCode: TERMINATED, patches: [], log: '', errors: '', sees: 'yes' });
  });

  test('may renew as seldom as it likes below `watchdog-after`', () => {
    const told = tell(orders(), ['if [ $((now % 50)) -eq 0 ]; then', renewed(), 'fi'], 200);

    expect(told.patches).toEqual([]);
  });

  test('is another one than before: its time begins anew', () => {
    const told = tell(orders(), [at(45, renewed('next')), at(90, renewed('another'))], 140);

    expect(told.patches).toEqual([]);
  });

  test('is not blamed for an API server that nobody reached', () => {
    const told = tell(orders(), [until(30, renewed()), at(30, apiDown), at(200, apiUp), since(220, renewed())], 300);

    expect(told).toMatchObject({ patches: [], sees: 'yes' });
  });

  test('is not blamed for a time in which the watchdog itself stood still', () => {
    const told = tell(orders(), [at(20, 'echo 500 > "$WORLD/clock"'), since(505, renewed())], 600);

    expect(told.patches).toEqual([]);
  });

  test('ends the rollout by removing the state: it ends too', () => {
    const told = tell(orders(), [until(40, renewed()), at(40, stateGone, leaseGone)]);

    expect(told).toMatchObject({ exitCode: 0, patches: [] });
    expect(told.log).toContain('the rollout is over');
  });
});

describe('a silent holder', () => {
  test('after `watchdog-after` every route is sent its way back, as it was planned, once', () => {
    const told = tell(orders(), [until(100, renewed())], 250);

    expect(told.patches.map(({ patch }) => JSON.parse(patch))).toEqual(orders().returns.map(({ body }) => body));
    expect(objects(told)).toEqual([HTTP, GRPC]);
    for (const patch of told.patches) expect(patch.at).toBe(155);
    expect(told).toMatchObject({ exitCode: TERMINATED, errors: '' });
  });

  test('with `replicas` the canary is scaled to nothing', () => {
    const told = tell(podOrders(), [until(20, renewed())]);

    expect(objects(told)).toEqual([CANARY]);
    expect(JSON.parse(told.patches[0]?.patch ?? '')).toEqual(podOrders().returns[0]?.body);
  });

  test('that comes back and falls silent again has its traffic returned again', () => {
    const told = tell(orders(), [at(100, renewed()), until(200, since(110, renewed('next')))], 300);

    expect(objects(told)).toEqual([HTTP, GRPC, HTTP, GRPC]);
  });

  test('whose Lease somebody deleted counts as silent', () => {
    const told = tell(orders(), [until(20, renewed()), at(20, leaseGone)]);

    expect(objects(told)).toEqual([HTTP, GRPC]);
  });

  test('that let the Lease go, but not on purpose, counts as silent', () => {
    const told = tell(orders(), [until(20, renewed()), at(20, released)]);

    expect(objects(told)).toEqual([HTTP, GRPC]);
  });

  test('is answered when the API server comes back, and only time in which it answered counts', () => {
    const told = tell(orders(), [at(40, apiDown), at(200, apiUp)], 260);

    expect(objects(told)).toEqual([HTTP, GRPC]);
    expect(told.patches[0]?.at).toBeGreaterThanOrEqual(220);
  });

  test('of a rollout whose state is gone needs nothing any more', () => {
    const told = tell(orders(), [at(20, stateGone)]);

    expect(told).toMatchObject({ exitCode: 0, patches: [] });
  });

  test('of another rollout of the Deployment is none of its business', () => {
    const told = tell(orders(), [at(20, `printf 'other-uid ' > "$WORLD/configmaps"`)]);

    expect(told).toMatchObject({ exitCode: 0, patches: [] });
  });
});

describe('a rollout left on purpose', () => {
  const leave = (hold: string): string => at(40, left(hold), released);

  test('is left alone until its hold has ended', () => {
    const told = tell(orders(), [until(40, renewed()), leave('100')], 200);

    expect(objects(told)).toEqual([HTTP, GRPC]);
    expect(told.patches[0]?.at).toBe(140);
  });

  test('is left alone for good where a person was called', () => {
    const told = tell(orders(), [until(40, renewed()), leave('halted')], 300);

    expect(told.patches).toEqual([]);
  });

  test('and taken up again is watched again: the hold of before counts no more', () => {
    const story = [until(40, renewed()), leave('3000'), until(200, since(100, renewed('next')))];
    const told = tell(orders(), story, 300);

    expect(told.patches[0]?.at).toBe(255);
  });

  test('twice has its whole hold the second time', () => {
    const story = [until(40, renewed()), leave('100'), until(90, since(60, renewed('next'))), at(90, released)];
    const told = tell(orders(), story, 250);

    expect(told.patches[0]?.at).toBe(190);
  });

  test('keeps its hold when the API server is away', () => {
    const told = tell(orders(), [until(40, renewed()), leave('150'), at(80, apiDown), at(150, apiUp)], 260);

    expect(told.patches[0]?.at).toBeGreaterThanOrEqual(190);
  });
});

describe('a route that takes nothing', () => {
  test('whose mark is gone is past the point of no return: nothing else is tried', () => {
    const story = [HTTP, GRPC].flatMap((route) => [at(5, refusing(route)), at(5, markGone(route))]);
    const told = tell(orders(), story, 120);

    expect(objects(told)).toEqual([HTTP, GRPC]);
    expect(told.log).toContain('its way back is closed: httproutes.v1.gateway.networking.k8s.io checkout');
  });

  test("with another rollout's mark is left alone too", () => {
    const told = tell(orders(), [at(5, refusing(HTTP), markAnothers(HTTP))], 130);

    expect(objects(told)).toEqual([HTTP, GRPC]);
  });

  test('with its mark still on it, three times: the canary Service is pointed at the stable pods', () => {
    const told = tell(orders(), [at(5, refusing(HTTP))], 130);

    expect(objects(told)).toEqual([HTTP, GRPC, HTTP, GRPC, HTTP, GRPC, SERVICE]);
    expect(JSON.parse(told.patches.at(-1)?.patch ?? '')).toEqual(orders().lastResort?.body);
    expect(Number(told.patches.at(-1)?.at) - Number(told.patches[0]?.at)).toBe(2);
  });

  test('that takes it the second time needs no last resort', () => {
    const told = tell(orders(), [at(5, refusing(HTTP)), since(61, accepting(HTTP))], 130);

    expect(objects(told)).toEqual([HTTP, GRPC, HTTP, GRPC]);
  });

  test('because the account may not even read it: the last resort has a mark of its own', () => {
    const forbidden = 'Error from server (Forbidden): httproutes "checkout" is forbidden';
    const told = tell(orders(), [at(5, refusing(HTTP, forbidden), unseen(HTTP, forbidden))], 130);

    expect(objects(told).at(-1)).toBe(SERVICE);
  });

  test('because the API server is away is tried again until it answers, without a last resort', () => {
    const gone = 'Unable to connect to the server: EOF';
    const back = `rm -f "$WORLD/unseen-${HTTP}"`;
    const told = tell(orders(), [at(5, refusing(HTTP, gone), unseen(HTTP, gone)), at(100, accepting(HTTP), back)], 130);

    expect(objects(told)).not.toContain(SERVICE);
    expect(told.patches.filter(({ object }) => object === HTTP).at(-1)?.at).toBe(100);
  });

  test('while the Service, too, is past the point of no return: nothing more is tried', () => {
    const story = [at(5, refusing(HTTP), refusing(SERVICE), markGone(SERVICE))];
    const told = tell(orders(), story, 130);

    expect(objects(told).filter((object) => object === SERVICE)).toHaveLength(1);
  });

  test('while the Service refuses as well: everything is tried again and again', () => {
    const story = [at(5, refusing(HTTP), refusing(SERVICE)), at(150, accepting(SERVICE))];
    const told = tell(orders(), story, 200);

    expect(objects(told).filter((object) => object === SERVICE).length).toBeGreaterThan(10);
    expect(objects(told).at(-1)).toBe(SERVICE);
    expect(told.patches.at(-1)?.at).toBeLessThan(160);
  });

  test('is not sent anything by a holder that came back meanwhile', () => {
    const told = tell(orders(), [at(5, refusing(HTTP)), since(61, renewed('next'))], 150);

    expect(objects(told)).toEqual([HTTP, GRPC]);
  });

  test('where nothing but pods is the weight is tried again', () => {
    const told = tell(podOrders(), [at(5, refusing(CANARY)), at(100, accepting(CANARY))], 150);

    expect(new Set(objects(told))).toEqual(new Set([CANARY]));
    expect(told.patches.at(-1)?.at).toBe(100);
  });
});

describe('what comes from objects', () => {
  test('reaches kubectl letter by letter and is never run', () => {
    const hostile = `"; touch "$WORLD/owned"; $(touch $WORLD/owned) \`touch $WORLD/owned\` $HOME $$ \\ '`;
    const [first] = orders().returns;
    if (first === undefined) throw new Error('no route');
    const nasty = { ...first, body: [hostile] };
    const told = tell(orders({ returns: [nasty], lastResort: { ...first, body: [hostile] } }), [
      at(5, refusing(HTTP)),
      'if [ -e "$WORLD/owned" ]; then kill -KILL "$PPID"; fi',
    ]);

    expect(told.exitCode).toBe(TERMINATED);
    expect(told.patches.map(({ patch }) => JSON.parse(patch))).toEqual(told.patches.map(() => [hostile]));
    expect(objects(told).at(-1)).toBe('services-checkout');
  });

  test('and is a holder with blanks and quotes in its name changes nothing', () => {
    const told = tell(orders(), [until(100, renewed('a  b "; exit 0; $(exit) *'))], 170);

    expect(told.patches[0]?.at).toBe(155);
  });
});

test('says that it does not see the Lease while the API server is away', () => {
  expect(tell(orders(), [at(50, apiDown)], 100).sees).toBe('no');
});
