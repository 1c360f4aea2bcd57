/** Lesson 02: dot, log, mv, sin, and the vector-Jacobian product. */
import { dg, type Tensor } from "./dinograd.ts";
import { readData } from "./expected.ts";
import { type Cell, double, lesson } from "./lesson.ts";

const data = readData();
const float64 = (values: number[] | number[][], requiresGrad = false): Tensor =>
  dg.tensor(values, { dtype: double(), requiresGrad });
/** The hand-derived gradient of log(1 + x.x). */
const byHand = (x: Tensor, z: Tensor): Tensor => x.div(dg.add(1, z)).mul(2);

lesson("02_joy_of_autograd", async ({ cell }) => {
  let x!: Tensor, z!: Tensor, f!: Tensor, A!: Tensor, b!: Tensor;
  const show = (value: () => unknown) => ({ print }: Cell): void => print(value());

  await cell("(a) x with the lesson's digits", ({ print }) => {
    x = float64([
      0.1801031,
      0.344406,
      0.4006069,
      0.6215107,
      0.2568044,
      0.3863067,
      0.5832101,
      0.4745082,
      0.8342815,
      0.0493009,
    ], true);
    print(x);
  });
  await cell("(a) z, f", ({ print }) => {
    z = dg.dot(x, x);
    f = dg.log(dg.add(1, z));
    print(z);
    print(f);
  });
  await cell("(a) manual result (x / (1 + z))*2", show(() => byHand(x, z)));
  await cell("(a) backward", () => f.backward());
  await cell("(a) x.grad", show(() => x.grad));

  await cell("(b) x with the lesson's digits", ({ print }) => {
    x = float64([0.0142986, 0.9790104, 0.6805366, 0.8771152, 0.0953256], true);
    print(x);
  });
  await cell("(b) A", ({ print }) => {
    A = float64([
      [0.9670017, 0.5486957, 0.0195961, 0.4443971, 0.3261991],
      [0.3793962, 0.7918033, 0.9998044, 0.090701, 0.8979015],
      [0.0237973, 0.1552276, 0.9408209, 0.4540232, 0.7213036],
      [0.0460978, 0.6931044, 0.9383043, 0.2263027, 0.5735011],
      [0.1621969, 0.9763026, 0.6564035, 0.8489007, 0.6759012],
      [0.1779995, 0.4533997, 0.0268, 0.5233994, 0.3507001],
      [0.1701975, 0.2508031, 0.9425035, 0.4099015, 0.583001],
      [0.7704014, 0.2153992, 0.5591986, 0.2581, 0.9373995],
      [0.5027954, 0.6831013, 0.5410034, 0.7699988, 0.9633015],
      [0.1756962, 0.9128023, 0.7975037, 0.6231001, 0.2041014],
    ]);
    print(A);
  });
  await cell("(b) b", ({ print }) => {
    b = float64([
      0.2229961,
      0.8327025,
      0.9930275,
      0.4835039,
      0.0355019,
      0.7216995,
      0.7977026,
      0.3525995,
      0.9574002,
      0.4611015,
    ]);
    print(b);
  });
  await cell("(b) torch.sin(z)", ({ print }) => {
    z = dg.mv(A, x).add(b);
    f = dg.sin(z);
    print(dg.sin(z));
  });
  await cell("(b) z.shape[0]", show(() => z.shape[0]));
  const cotangent = (): Tensor => dg.ones(z.shape[0]);
  await cell("(b) backward with a float32 cotangent for a float64 output", ({ print }) => {
    f.backward(cotangent());
    print(x.grad);
  });
  await cell("(b) the dtypes of that backward", ({ print }) => {
    print(cotangent().dtype, f.dtype, x.grad!.dtype);
  });
  const bespoke = (): Tensor => dg.matmul(dg.cos(dg.mv(A, x).add(b)), A);
  await cell("(b) bespoke solution", show(bespoke));
  await cell("(b) bespoke equals autograd", show(() => dg.allclose(bespoke(), x.grad!)));

  await cell("(a) the original cells with np.random.seed(0)", ({ print }) => {
    x = float64(data["002a"].x, true);
    print(x);
    z = dg.dot(x, x);
    f = dg.log(dg.add(1, z));
    print(byHand(x, z));
    f.backward();
    print(x.grad);
  });
  await cell("(b) the original cells with np.random.seed(1)", ({ print }) => {
    x = float64(data["002b"].x, true);
    print(x);
    A = float64(data["002b"].A);
    print(A);
    b = float64(data["002b"].b);
    print(b);
    z = dg.mv(A, x).add(b);
    f = dg.sin(z);
    print(dg.sin(z));
    print(z.shape[0]);
    f.backward(cotangent());
    print(x.grad);
    print(bespoke());
  });
  await cell("(b) backward() without a cotangent on a vector raises", ({ raises }) => {
    f = dg.sin(dg.mv(A, x).add(b));
    raises(() => f.backward());
  });
  await cell("(b) a cotangent of the wrong shape raises", ({ raises }) => {
    raises(() => f.backward(dg.ones(3)));
  });
}, { doubles: true });
