import { dominates } from "../../genome/index.ts";

type Point = readonly number[];

/** The front with one more point, all minimised: unchanged where the point is dominated or equal to a member. */
export function mergeIntoFront(front: readonly Point[], point: Point): readonly Point[] {
  const isUseless = front.some((member) => dominates(member, point) || member.every((value, i) => value === point[i]));
  return isUseless ? front : [...front.filter((member) => !dominates(point, member)), point];
}
