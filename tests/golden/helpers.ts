/**
 * The operations of the golden files that are no single function of PyTorch (`x.name`), in our calls.
 *
 * @module
 */
import { dg, type Loose } from "./api.ts";
import { ellipsis, Slice, Tuple } from "./codec.ts";

/** A helper: what it calls, by PyTorch's names, and itself. */
export interface Helper {
  /** The operations it is made of: it can run where all of them exist. */
  needs: readonly string[];
  call: (...args: Loose[]) => unknown;
}

/** An index expression of Python, as arguments of our `index`. */
export function indexArguments(index: unknown): Loose[] {
  return (index instanceof Tuple ? index.items : [index]).map(indexItem);
}

function indexItem(item: unknown): unknown {
  if (item === ellipsis) return "...";
  if (item instanceof Slice) {
    const [start, stop, step] = [item.start, item.stop, item.step].map((v) => v === null ? "" : String(v));
    return `${start}:${stop}` + (step === "" ? "" : `:${step}`);
  }
  return item;
}

function getitem(x: Loose, index: unknown): unknown {
  return x.index(...indexArguments(index));
}

/** A copy with `[index] = value` done to it. */
function setitem(x: Loose, index: unknown, value: unknown): unknown {
  const y = x.clone();
  y.indexPut_(indexArguments(index), value);
  return y;
}

function scaledDotProductAttention(
  q: Loose,
  k: Loose,
  v: Loose,
  attnMask: Loose,
  isCausal: boolean,
): unknown {
  return dg.nn.functional.scaledDotProductAttention(q, k, v, { attnMask, isCausal });
}

function batchNormStats(x: Loose, mean: Loose, variance: Loose, momentum: number): unknown {
  const m = mean.clone();
  const v = variance.clone();
  return [dg.nn.functional.batchNorm(x, m, v, null, null, { training: true, momentum }), m, v];
}

/** Gives the module's parameters, in order, the values of `tensors`, as leaves of the caller. */
function withParameters(module: Loose, tensors: Loose[], ...args: Loose[]): unknown {
  const names = [...module.namedParameters()].map((entry: Loose) => entry[0]);
  return dg.nn.functionalCall(module, Object.fromEntries(names.map((n, i) => [n, tensors[i]])), ...args);
}

/** A two-layer recurrent net run on x from zero states: [output, h] or [output, h, c]. */
function recurrent(kind: "RNN" | "GRU" | "LSTM"): Helper {
  return {
    needs: [`nn.${kind}`, "nn.functional_call"],
    call: (x, weights) => {
      const net = new dg.nn[kind](2, 2, { numLayers: 2 }).to(x.dtype);
      const [output, state] = withParameters(net, weights, x) as Loose[];
      return [output, ...(Array.isArray(state) ? state : [state])];
    },
  };
}

/** Every helper by the name after `x.`. */
export const helpers: Record<string, Helper> = {
  getitem: { needs: ["Tensor.index"], call: getitem },
  setitem: { needs: ["Tensor.index_put_"], call: setitem },
  view_write: {
    needs: ["Tensor.index", "Tensor.mul_"],
    call: (x, index, v) => {
      const y = x.clone();
      (getitem(y, index) as Loose).mul_(v);
      return y;
    },
  },
  index_put: {
    needs: ["Tensor.index_put_"],
    call: (x, indices, v, accumulate) => x.clone().indexPut_(indices, v, { accumulate }),
  },
  batch_norm_stats: { needs: ["F.batch_norm"], call: batchNormStats },
  sdpa: { needs: ["F.scaled_dot_product_attention"], call: scaledDotProductAttention },
  mha: {
    needs: ["F.multi_head_attention_forward"],
    call: (q, k, v, size, heads, inWeight, inBias, outWeight, outBias, keyPaddingMask, attnMask) =>
      dg.nn.functional.multiHeadAttentionForward(
        q,
        k,
        v,
        size,
        heads,
        inWeight,
        inBias,
        null,
        null,
        false,
        0,
        outWeight,
        outBias,
        { training: false, keyPaddingMask, attnMask },
      ),
  },
  lstm_cell: { needs: ["lstm_cell"], call: (x, h, c, ...weights) => dg.lstmCell(x, [h, c], ...weights) },
  rnn: recurrent("RNN"),
  gru: recurrent("GRU"),
  lstm: recurrent("LSTM"),
  encoder_layer: {
    needs: ["nn.TransformerEncoderLayer", "nn.functional_call"],
    call: (x, heads, parameters, normFirst) => {
      const options = { dimFeedforward: 8, dropout: 0, normFirst };
      const layer = new dg.nn.TransformerEncoderLayer(x.shape.at(-1), heads, options).to(x.dtype);
      return withParameters(layer, parameters, x);
    },
  },
  qr_abs: {
    needs: ["linalg.qr"],
    call: (a, mode) => Object.values(dg.linalg.qr(a, { mode })).map((t: Loose) => t.abs()),
  },
  qr_rebuild: {
    needs: ["linalg.qr"],
    call: (a) => {
      const [q, r] = Object.values(dg.linalg.qr(a)) as Loose[];
      return q.matmul(r);
    },
  },
  svd_values: {
    needs: ["linalg.svd"],
    call: (a) => Object.values(dg.linalg.svd(a, { fullMatrices: false }))[1],
  },
  svd_rebuild: {
    needs: ["linalg.svd"],
    call: (a) => {
      const [u, s, vh] = Object.values(dg.linalg.svd(a, { fullMatrices: false })) as Loose[];
      return u.mul(s.unsqueeze(-2).square()).matmul(vh);
    },
  },
  eigh_values: { needs: ["linalg.eigh"], call: (a) => Object.values(dg.linalg.eigh(a))[0] },
  eigh_fn: {
    needs: ["linalg.eigh"],
    call: (a) => {
      const [w, v] = Object.values(dg.linalg.eigh(a)) as Loose[];
      return v.mul(w.unsqueeze(-2).exp()).matmul(v.transpose(-1, -2));
    },
  },
  eigh_abs_vectors: {
    needs: ["linalg.eigh"],
    call: (a) => (Object.values(dg.linalg.eigh(a))[1] as Loose).abs(),
  },
  eig_real_sorted: {
    needs: ["linalg.eigvals"],
    call: (a) => dg.linalg.eigvals(a), // they are sorted here
  },
  lu_rebuild: {
    needs: ["linalg.lu"],
    call: (a) => {
      const [p, l, u] = Object.values(dg.linalg.lu(a)) as Loose[];
      return p.matmul(l).matmul(u);
    },
  },
};
