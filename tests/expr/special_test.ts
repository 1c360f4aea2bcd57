import { assert } from "@std/assert";
import * as special from "../../src/expr/special.ts";

/** Values computed with 40 digits: argument, function. */
const values: Record<string, [number, number][]> = {
  erf: [
    [1e-300, 1.1283791670955126e-300],
    [0.1, 0.1124629160182849],
    [-0.7, -0.6778011938374184],
    [1.0, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [-2.5, -0.999593047982555],
    [4.0, 0.9999999845827421],
    [5.9, 0.9999999999999999],
  ],
  erfc: [
    [-3.0, 1.9999779095030015],
    [-0.5, 1.5204998778130465],
    [0.2, 0.7772974107895215],
    [0.99, 0.1614919304446302],
    [1.01, 0.1531895037717233],
    [2.0, 0.004677734981047266],
    [5.0, 1.537459794428035e-12],
    [10.0, 2.088487583762545e-45],
    [25.0, 8.300172571196523e-274],
  ],
  erfcx: [
    [-4.0, 17772220.904016286],
    [-0.5, 1.952360489182557],
    [0.3, 0.7345993345676551],
    [1.0, 0.427583576155807],
    [2.5, 0.2108063640611436],
    [10.0, 0.05614099274382259],
    [19.0, 0.029653230641262164],
    [100000.0, 5.6418958351954685e-06],
    [1000000000.0, 5.641895835477563e-10],
  ],
  erfinv: [
    [1e-10, 8.862269254527581e-11],
    [0.1, 0.08885599049425769],
    [-0.5, -0.4769362762044699],
    [0.9, 1.1630871536766743],
    [0.999999, 3.458910737275499],
    [-0.9999999999999999, -5.8635847487551676],
  ],
  lgamma: [
    [1e-300, 690.7755278982137],
    [0.1, 2.252712651734206],
    [0.5, 0.5723649429247001],
    [0.75, 0.20328095143129538],
    [0.99, 0.005854806764709781],
    [1.01, -0.005690307946069651],
    [1.5, -0.12078223763524522],
    [1.99, -0.004195529088791668],
    [2.01, 0.004260022907098346],
    [3.5, 1.2009736023470743],
    [9.5, 11.689333420797269],
    [10.5, 13.940625219403763],
    [171.5, 709.1431630309282],
    [10000000000.0, 220258509288.81058],
    [-0.5, 1.2655121234846454],
    [-1.25, 1.3664317612369763],
    [-20.3, -41.887292480135244],
  ],
  digamma: [
    [1e-10, -10000000000.577215],
    [0.1, -10.423754940411076],
    [0.9, -0.7549269499470513],
    [2.0, 0.42278433509846713],
    [9.5, 2.1977378764029494],
    [10.5, 2.3030010342976865],
    [1000000.0, 13.815510057964191],
    [-0.5, 0.03648997397857652],
    [-1.25, 3.714139120213528],
    [-20.3, 5.317549924239749],
  ],
  i0: [
    [0.5, 1.0634833707413236],
    [-3.0, 4.8807925858650245],
    [24.9, 5235629675.804422],
    [25.1, 6369018573.803502],
    [100.0, 1.0737517071310738e+42],
    [700.0, 1.5295933476718737e+302],
  ],
  i1: [
    [0.5, 0.2578943053908963],
    [-3.0, -3.9533702174026093],
    [24.9, 5129395695.925742],
    [25.1, 6240828249.8739805],
    [100.0, 1.0683693903381625e+42],
    [700.0, 1.5285003902339006e+302],
  ],
};

/** Order, argument, polygamma. */
const polygammas: [number, number, number][] = [
  [1, 0.1, 101.43329915079275],
  [1, 3.5, 0.3303577561002349],
  [1, 20.0, 0.05127082293520312],
  [1, -0.5, 8.934802200544679],
  [1, -1000.25, 19.738209551699786],
  [2, 0.7, -6.4349928741909235],
  [2, -1.3, 68.54941347116214],
  [3, 2.5, 0.22390584881725206],
  [8, 1.5, -1059.9617600414265],
];

function near(actual: number, expected: number, what: string): void {
  // lgamma and digamma have zeros, near which only the absolute error can be small
  const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), what.includes("gamma") ? 0.1 : 0);
  assert(error < 1e-14, `${what} = ${actual}, expected ${expected}`);
}

Deno.test("special functions: nearly full double precision", () => {
  const functions = special as unknown as Record<string, (x: number) => number>;
  for (const [name, pairs] of Object.entries(values)) {
    for (const [x, y] of pairs) near(functions[name](x), y, `${name}(${x})`);
  }
  for (const [n, x, y] of polygammas) near(special.polygamma(n, x), y, `polygamma(${n}, ${x})`);
});

Deno.test("special functions: ends and poles", () => {
  const inf = Infinity;
  const cases: [number, number][] = [
    [special.erf(NaN), NaN],
    [special.erf(-0), -0],
    [special.erf(inf), 1],
    [special.erf(-inf), -1],
    [special.erfc(NaN), NaN],
    [special.erfc(inf), 0],
    [special.erfc(-inf), 2],
    [special.erfcx(inf), 0],
    [special.erfcx(-inf), inf],
    [special.erfinv(1), inf],
    [special.erfinv(-1), -inf],
    [special.erfinv(-0), -0],
    [special.erfinv(1.5), NaN],
    [special.lgamma(0), inf],
    [special.lgamma(-3), inf],
    [special.lgamma(inf), inf],
    [special.lgamma(1), 0],
    [special.lgamma(NaN), NaN],
    [special.digamma(0), -inf],
    [special.digamma(-0), inf],
    [special.digamma(-2), NaN],
    [special.digamma(inf), inf],
    [special.polygamma(1, 0), inf],
    [special.polygamma(1.5, 1), NaN],
    [special.polygamma(1, NaN), NaN],
    [special.polygamma(1, inf), 0],
    [special.i0(0), 1],
    [special.i1(0), 0],
    [special.i0(NaN), NaN],
    [special.i0(inf), NaN],
    [special.i1(-1e30), -inf],
    [special.softplus(1000), 1000],
    [special.softplus(-800), 0],
    [special.sigmoid(-1000), 0],
    [special.pow(1, NaN), 1],
    [special.pow(-1, -inf), 1],
    [special.copysign(0, -0), -0],
    [special.round(0.5), 0],
    [special.round(-0.5), -0],
    [special.round(1.5), 2],
    [special.round(-2.5), -2],
    [special.round(0.49999999999999994), 0],
    [special.round(4503599627370497), 4503599627370497],
    [special.round(-inf), -inf],
    [special.floorDiv(-7.5, 2), -4],
    [special.floorDiv(1, 0), inf],
    [special.floorDiv(inf, 2), NaN],
    [special.floorDiv(-0, 5), -0],
    [special.floorDiv(1, 0.1), 9],
    [special.remainder(-3, inf), inf],
    [special.remainder(5.5, -2), -0.5],
  ];
  cases.forEach(([actual, expected], i) =>
    assert(Object.is(actual, expected), `case ${i}: ${actual}, expected ${expected}`)
  );
});
