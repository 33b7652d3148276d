import { quote } from './words.ts';

const PERCENTAGE = /^(\d{1,6}(?:\.\d{1,9})?)\s*%$/;
const DIGITS = 12;

const rounded = (value: number): number => Number(value.toPrecision(DIGITS));

/** `2.5%` is 0.025; null: not a percentage. */
export const parsePercentage = (text: string): number | null => {
  const found = PERCENTAGE.exec(text);
  return found === null ? null : rounded(Number(found[1]) / 100);
};

/** 0.0144 is `1.44%`. */
export const formatPercentage = (ratio: number): string => `${Number((ratio * 100).toPrecision(4))}%`;

/** A number that was probably meant as a percentage: `0.2` and `20` as `20%`. */
const asPercentage = (given: string): string => {
  const bare = Number(given);
  return `${bare > 0 && bare < 1 ? Number((bare * 100).toPrecision(6)) : bare}%`;
};

/** Without the sign it could be a share or a factor. */
export const increaseProblem = (given: string): string => {
  const meant = given !== '' && Number(given) >= 0 ? `; did you mean \`${asPercentage(given)}\`?` : '';
  return `${quote(given)} is not an increase; write it like \`20%\`${meant}`;
};

/** A share of requests, of which neither none nor all can be a limit. */
export const isRatio = (value: number): boolean => value > 0 && value < 1;

export const ratioProblem = (given: string): string => {
  const bare = Number(given);
  const meant = given !== '' && bare >= 1 && bare < 100 ? `; did you mean \`${given}%\`?` : '';
  return `${quote(given)} is not a ratio above 0 and below 1; write it like \`0.02\` or \`2%\`${meant}`;
};

/** The share of requests that must succeed. */
export const objectiveProblem = (given: string): string => {
  if (PERCENTAGE.test(given)) return `${quote(given)}: an objective is above \`0%\` and below \`100%\``;
  const bare = Number(given);
  const meant = given !== '' && bare > 0 && bare < 100 ? `; did you mean \`${asPercentage(given)}\`?` : '';
  return `${quote(given)} is not an objective; write it like \`99.9%\`${meant}`;
};

/** The failure ratio at which an error budget is used up `burnRate` times as fast as the objective allows. */
export const ceilingOf = (objective: number, burnRate: number): number => rounded(burnRate * (1 - objective));

/** The burn rate that would make every failure a ceiling of 1. */
export const burnRateLimit = (objective: number): number => Number((1 / (1 - objective)).toPrecision(3));
