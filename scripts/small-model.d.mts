export declare function fetchSmallModel(): string;
export declare const smallModelName: string;
export declare const smallModelPath: string;
