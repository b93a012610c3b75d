/** One running process of a service. */
export interface ServiceInstance {
  readonly pid: number;
  readonly healthUrl: string;
  readonly metricsUrl: string;
}

export interface ClickHouseAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** `<home>/connection.json` as tests see it. Parts that were not asked for are absent at run time. */
export interface Connection {
  readonly gateway: { readonly url: string; readonly key: string };
  readonly admin: { readonly url: string; readonly token: string };
  readonly billing: { readonly url: string; readonly token: string };
  /** The reader people use. */
  readonly clickhouse: ClickHouseAccess;
  readonly postgres: { readonly url: string };
  /** A user that may do everything; services' own users are in `internal.natsUsers`. */
  readonly nats: { readonly url: string };
  readonly simulator: { readonly url: string };
  readonly services: Readonly<Record<string, readonly ServiceInstance[]>>;
  readonly isSimulated: boolean;
  readonly home: string;
  readonly internal: {
    readonly supervisorPid: number;
    /** The user audit and billing insert with. */
    readonly clickhouseWriter: ClickHouseAccess;
    /** Password by service name, which is also the user's name. */
    readonly natsUsers: Readonly<Record<string, string>>;
    readonly postgresFolder?: string;
    readonly logKeyFile: string;
    /** Folder of signed checkpoints. */
    readonly checkpoints: string;
    readonly keyPepper: string;
    readonly masterKey: string;
    /** Pid by part: nats, postgres, clickhouse, simulator. */
    readonly parts: Readonly<Record<string, number>>;
  };
}
