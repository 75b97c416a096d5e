// What we build for: each row names the packages an executable is made of, with the hashes that the registry gave when the
// row was written, and the llama.cpp tag of its libraries. Not every platform's package exists for the newest llama.cpp;
// `tag` must be one that src/runner/llama/abi.gen.ts was generated for.

export interface PackageRef {
  readonly name: string;
  readonly version: string;
  /** Of the packed archive, as the registry states it. */
  readonly integrity: string;
}

export interface Target {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly gpu?: "metal" | "cuda" | "vulkan";
  /** Package with the llama.cpp libraries, in its folder `bins/<last part of its name>`. */
  readonly libraries: PackageRef;
  /** Package with the Bun runtime to compile into. */
  readonly runtime: PackageRef;
  readonly llamaTag: string;
  /** Other names for the same executable. */
  readonly aliases?: readonly string[];
}

const libraries = (folder: string, version: string, integrity: string): PackageRef => ({
  name: `@node-llama-cpp/${folder}`,
  version,
  integrity,
});

const runtime = (os: string, integrity: string): PackageRef => ({
  name: `@oven/bun-${os}`,
  version: "1.4.5",
  integrity,
});

const NEWEST = { version: "3.22.1", tag: "v0.5.0" };
/** The newest that exists for macOS and Windows. */
const BEFORE = { version: "3.21.1", tag: "v0.4.0" };

const bun = {
  linuxX64: runtime(
    "linux-x64",
    "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
  ),
  linuxArm64: runtime(
    "linux-aarch64",
    "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
  ),
  darwinArm64: runtime(
    "darwin-aarch64",
    "sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
  ),
  darwinX64: runtime(
    "darwin-x64",
    "sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
  ),
  windowsX64: runtime(
    "windows-x64",
    "sha512-FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==",
  ),
  windowsArm64: runtime(
    "windows-aarch64",
    "sha512-MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==",
  ),
};

export const targets: Readonly<Record<string, Target>> = {
  // Bun's x64 runtime asks for SSE4.2 and no more, and the libraries include one for plain x86-64, so one executable
  // serves old processors too: the "baseline" packages are the same files.
  "linux-x64": {
    platform: "linux",
    arch: "x64",
    libraries: libraries(
      "linux-x64",
      NEWEST.version,
      "sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==",
    ),
    runtime: bun.linuxX64,
    llamaTag: NEWEST.tag,
    aliases: ["linux-x64-baseline"],
  },
  "linux-x64-cuda": {
    platform: "linux",
    arch: "x64",
    gpu: "cuda",
    libraries: libraries(
      "linux-x64-cuda",
      NEWEST.version,
      "sha512-8rQCjyNNLZJUFit+YpjwlC4hwkKgOMIkB2wuycKBf8NU2O3ySKbiWZQ8aw9ku2nUTXjSnUIrE6KB88itduTBuA==",
    ),
    runtime: bun.linuxX64,
    llamaTag: NEWEST.tag,
  },
  "linux-x64-vulkan": {
    platform: "linux",
    arch: "x64",
    gpu: "vulkan",
    libraries: libraries(
      "linux-x64-vulkan",
      NEWEST.version,
      "sha512-bBxqU+JOcBu1nb5Qj2zcMci+JByT1E8EajHvYodyNfVIPkEhXh+/HMwR1/BT7xP08YK0hks+kM8fglER0P8JEg==",
    ),
    runtime: bun.linuxX64,
    llamaTag: NEWEST.tag,
  },
  "linux-arm64": {
    platform: "linux",
    arch: "arm64",
    libraries: libraries(
      "linux-arm64",
      NEWEST.version,
      "sha512-W+7naKCXX9/eEjjFmRS8vvx91QyLXDbeFxexZc3bh/PtQABZgmRL3C0AtYYXn4YGTj/3Qor4lWZn2tpjZFPLdQ==",
    ),
    runtime: bun.linuxArm64,
    llamaTag: NEWEST.tag,
  },
  "darwin-arm64": {
    platform: "darwin",
    arch: "arm64",
    gpu: "metal",
    libraries: libraries(
      "mac-arm64-metal",
      BEFORE.version,
      "sha512-6MIDAZV7DXD9R1+jEXWJkFuolni3GATGE6mmuyFYc6ZmtOh9djAy15df0T0AXK3sCmVKL+fQcOAWZezxx4MvQQ==",
    ),
    runtime: bun.darwinArm64,
    llamaTag: BEFORE.tag,
  },
  "darwin-x64": {
    platform: "darwin",
    arch: "x64",
    libraries: libraries(
      "mac-x64",
      BEFORE.version,
      "sha512-Q4nyNmbcNiKygBZQZjX+qLk2w3YzoiFpLWsxNURQN7xjyUi2p2rWxjRa7Otg0FrjGf/ri4aQ+X3Uj5Y0zD06eg==",
    ),
    runtime: bun.darwinX64,
    llamaTag: BEFORE.tag,
  },
  "windows-x64": {
    platform: "win32",
    arch: "x64",
    libraries: libraries(
      "win-x64",
      BEFORE.version,
      "sha512-JcIpCnra7bAd7JNWA8ehdn2DIRaTMuj+fBC8bw+5rKSNzszWFbuj2XA05c5QHovonDMBLN1ePXE/hcfZtzXoUQ==",
    ),
    runtime: bun.windowsX64,
    llamaTag: BEFORE.tag,
  },
  "windows-x64-cuda": {
    platform: "win32",
    arch: "x64",
    gpu: "cuda",
    libraries: libraries(
      "win-x64-cuda",
      BEFORE.version,
      "sha512-PLz70neFEMkQTlmJqG1ujUtCSgHasLPMxQ9rLkqQVmZYAXqkRj+45TIHCjdn3XqUeaoun0vrO9rRaxZ8NVq9jg==",
    ),
    runtime: bun.windowsX64,
    llamaTag: BEFORE.tag,
  },
  "windows-x64-vulkan": {
    platform: "win32",
    arch: "x64",
    gpu: "vulkan",
    libraries: libraries(
      "win-x64-vulkan",
      BEFORE.version,
      "sha512-HJ237Azh5m4Sz+w3A1IU/fYLaSDOocskcfn2ILTgqTuuORCB86EMnu3Yt/XsNhRHTtEiwz1Q/E0mO4PLIbZLAA==",
    ),
    runtime: bun.windowsX64,
    llamaTag: BEFORE.tag,
  },
  "windows-arm64": {
    platform: "win32",
    arch: "arm64",
    libraries: libraries(
      "win-arm64",
      BEFORE.version,
      "sha512-/UDR7Y0B8iKfc/tqxBmWkcgRdZQ9Wrkwod7fYl4J6iZXcTIj286RkHvZSED7VMY67TrcUXVvxJVMNFtmjeYnDg==",
    ),
    runtime: bun.windowsArm64,
    llamaTag: BEFORE.tag,
  },
};

/** For each llama.cpp tag above: where its header comes from, and a library of it that this machine can ask. */
export const headers: Readonly<Record<string, { readonly source: PackageRef; readonly library: PackageRef }>> = {
  [NEWEST.tag]: {
    source: {
      name: "node-llama-cpp",
      version: NEWEST.version,
      integrity: "sha512-bltIipuWmc123H7tMIgDGKSsSrhmhlQYeVUC48XTjVW7XGJJiJJyCdlTMzQ/LiWoPkGDpcL4FviDpgw7qfTiDw==",
    },
    library: libraries(
      "linux-x64",
      NEWEST.version,
      "sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==",
    ),
  },
  [BEFORE.tag]: {
    source: {
      name: "node-llama-cpp",
      version: BEFORE.version,
      integrity: "sha512-E3N0Ev2Va0wzydvXYFwM9Hvyo07PoWjt8T/9GMc43Cvt8YkV/NU/tYUgEMC1grTPv2o9PRjQi0G3Wb5P/awiMg==",
    },
    library: libraries(
      "linux-x64",
      BEFORE.version,
      "sha512-Totj6RTDMGo3FoK2yNUaz/oGmZD0olAqTrRluFUWmu0kW2i9TOzHSW0OWCAiGkzRCVX0WsU2CyUQo/W2NYtdPA==",
    ),
  },
};

interface CudaRuntimeFacts {
  readonly pipPlatforms: readonly string[];
  readonly requirements: readonly string[];
  readonly files: readonly string[];
}

/** What the CUDA libraries are linked against (they were built with CUDA 13.1), from pip. The Windows library holds cudart itself. */
export const cudaRuntimes: Readonly<Record<string, CudaRuntimeFacts>> = {
  "linux-x64-cuda": {
    pipPlatforms: ["manylinux_2_27_x86_64", "manylinux2014_x86_64"],
    requirements: [
      "nvidia-cublas==13.2.1.1 --hash=sha256:8c13c93cf8be4480b4909905c96d2d31575b4af43fcd3af0e84af94762665e4f",
      "nvidia-cuda-runtime==13.1.80 --hash=sha256:dac25b52e69050e5a7a84957e6df470a85b185f8f648a99a1ab1dfce027576cf",
    ],
    files: ["libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13"],
  },
  "windows-x64-cuda": {
    pipPlatforms: ["win_amd64"],
    requirements: [
      "nvidia-cublas==13.2.1.1 --hash=sha256:bc94f0597c21cfd6fea9446b18309b2351630ff227bb4e8575196494fb51c6b6",
    ],
    files: ["cublas64_13.dll", "cublasLt64_13.dll"],
  },
};

export function folderOf(reference: PackageRef): string {
  return reference.name.slice(reference.name.lastIndexOf("/") + 1);
}

export function executableName(target: Target): string {
  return target.platform === "win32" ? "ollama.exe" : "ollama";
}
