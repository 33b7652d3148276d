import type { Preset } from '../../ports/preset.ts';
import { contour } from './contour.ts';
import { envoyGateway } from './envoy-gateway.ts';
import { http } from './http.ts';
import { istio } from './istio.ts';
import { linkerd } from './linkerd.ts';
import { nginx } from './nginx.ts';
import { otel } from './otel.ts';
import { traefik } from './traefik.ts';

/** Every preset there is, in the order in which `auto` looks for them: routers first, for they see failures that no pod saw. */
export const PRESETS: readonly Preset[] = [traefik, istio, linkerd, envoyGateway, contour, nginx, otel, http];

/** What may stand behind `preset:`, beside `auto`. */
export const PRESET_NAMES: readonly string[] = PRESETS.map(({ name }) => name);
