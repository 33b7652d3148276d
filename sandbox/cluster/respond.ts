import type { ServerResponse } from 'node:http';
import type { JsonObject } from './objects.ts';

export const sendJson = (response: ServerResponse, code: number, body: JsonObject, headers = {}): ServerResponse => {
  if (response.headersSent || response.destroyed) return response;
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  return response.end(JSON.stringify(body));
};

export const sendText = (response: ServerResponse, code: number, text: string): ServerResponse => {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' });
  return response.end(text);
};
