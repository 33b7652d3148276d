import type { Preset } from '../../ports/preset.ts';

/**
 * ingress-nginx labels a request with the Ingress and Service of stable, whichever version answered, and the canary's in
 * `canary`, which is empty for stable (rootfs/etc/nginx/lua/monitor.lua). Only canary Ingresses fill that label, and no
 * router here splits by them.
 */
export const nginx: Preset = {
  name: 'nginx',
  title: 'ingress-nginx',
  kind: 'router',
  variants: [],
  blended: {
    requests: 'nginx_ingress_controller_requests{namespace="{{namespace}}", service="{{service}}"}',
    why: 'ingress-nginx counts by Ingress, and tells versions apart only where a canary Ingress splits the traffic',
  },
  advice: 'Use the metrics of the pods themselves: `preset: http` or `preset: otel`.',
};
