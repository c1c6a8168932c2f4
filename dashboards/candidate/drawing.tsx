// The architecture as a drawing: the residual stream runs down on the left, each position reads from it and adds to it.
import { describeOptions, type Position } from "../architecture.ts";
import { formatShare } from "../format.ts";

const width = 380;
const stream = 26;
const block = { left: 62, width: 306, height: 58, gap: 20 };
const head = 46;

export function ArchitectureDrawing(props: {
  positions: readonly Position[];
  /** Share of the total of each position, in the cost that is looked at. */
  shares: readonly number[];
  costTitle: string;
}) {
  const { positions, shares, costTitle } = props;
  const pitch = block.height + block.gap;
  const bottom = head + positions.length * pitch;
  return (
    <svg
      class="drawing"
      viewBox={`0 0 ${width} ${bottom + head}`}
      role="img"
      aria-label={`From input to output: ${positions.map(({ title }) => title).join(", ")}`}
    >
      <line class="drawing-stream" x1={stream} x2={stream} y1={26} y2={bottom + 16} />
      <Terminal y={14} text="Tokens, embedded" />
      {positions.map((position, i) => (
        <Block
          key={position.index}
          position={position}
          y={head + i * pitch}
          share={shares[i] ?? 0}
          costTitle={costTitle}
        />
      ))}
      <path class="drawing-arrow" d={`M${stream - 5} ${bottom + 12}l5 8 5-8Z`} />
      <Terminal y={bottom + 32} text="Normalized, to logits" />
    </svg>
  );
}

function Terminal({ y, text }: { y: number; text: string }) {
  return (
    <text class="drawing-terminal" x={stream - 12} y={y + 4}>
      {text}
    </text>
  );
}

function Block(props: { position: Position; y: number; share: number; costTitle: string }) {
  const { position, y, share, costTitle } = props;
  const { left, width: wide, height } = block;
  const enter = y + 16;
  const leave = y + height + 4;
  const options = describeOptions(position.options);
  return (
    <g data-family={position.family}>
      <title>{`Position ${position.index + 1}: ${position.title}${options && ` (${options})`}`}</title>
      <path class="drawing-branch" d={`M${stream} ${enter}H${left - 1}`} />
      <path class="drawing-arrow" d={`M${left - 8} ${enter - 4}l7 4-7 4Z`} />
      <path class="drawing-branch" d={`M${left + 20} ${y + height}V${leave}H${stream + 6}`} />
      <circle class="drawing-sum" cx={stream} cy={leave} r={6} />
      <path class="drawing-plus" d={`M${stream - 3} ${leave}h6M${stream} ${leave - 3}v6`} />
      <rect class="drawing-block" x={left} y={y} width={wide} height={height} rx={8} />
      <rect class="drawing-band" x={left} y={y} width={6} height={height} rx={3} />
      <text class="drawing-title" x={left + 18} y={y + 23}>
        {position.title}
      </text>
      <text class="drawing-options" x={left + 18} y={y + 40}>
        {shorten(options, 44)}
      </text>
      <text class="drawing-share" x={left + wide - 12} y={y + 23}>
        {formatShare(share, 1)}
      </text>
      <rect class="drawing-track" x={left + 18} y={y + height - 9} width={wide - 30} height={3} rx={1.5} />
      <rect class="drawing-fill" x={left + 18} y={y + height - 9} width={(wide - 30) * share} height={3} rx={1.5}>
        <title>{`${formatShare(share, 1)} of the ${costTitle}`}</title>
      </rect>
    </g>
  );
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
