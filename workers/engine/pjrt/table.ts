// The entries of the PJRT C API that are used here, as data.
//
// Every entry is `PJRT_Error* f(Args*)` at a fixed position of the function table, and every Args struct used is a row of
// 8-byte slots: two of header, then the fields in order. Fields at the end that are only read by newer plugins may be
// missing. Source: openxla/xla, xla/pjrt/c/pjrt_c_api.h (0.81 to 0.115 agree).

export interface Entry {
  readonly position: number;
  readonly fields: readonly string[];
}

export const entries = {
  Error_Destroy: { position: 0, fields: ["error"] },
  Error_Message: { position: 1, fields: ["error", "message", "message_size"] },
  Error_GetCode: { position: 2, fields: ["error", "code"] },
  Plugin_Initialize: { position: 3, fields: [] },
  Event_Destroy: { position: 5, fields: ["event"] },
  Event_Await: { position: 8, fields: ["event"] },
  Client_Create: {
    position: 10,
    fields: [
      "create_options",
      "num_options",
      "kv_get_callback",
      "kv_get_user_arg",
      "kv_put_callback",
      "kv_put_user_arg",
      "client",
    ],
  },
  Client_Destroy: { position: 11, fields: ["client"] },
  Client_PlatformName: { position: 12, fields: ["client", "platform_name", "platform_name_size"] },
  Client_PlatformVersion: { position: 14, fields: ["client", "platform_version", "platform_version_size"] },
  Client_AddressableDevices: {
    position: 16,
    fields: ["client", "addressable_devices", "num_addressable_devices"],
  },
  Client_Compile: {
    position: 20,
    fields: ["client", "program", "compile_options", "compile_options_size", "executable"],
  },
  Client_BufferFromHostBuffer: {
    position: 22,
    fields: [
      "client",
      "data",
      "type",
      "dims",
      "num_dims",
      "byte_strides",
      "num_byte_strides",
      "host_buffer_semantics",
      "device",
      "memory",
      "device_layout",
      "done_with_host_buffer",
      "buffer",
    ],
  },
  DeviceDescription_Kind: { position: 26, fields: ["device_description", "device_kind", "device_kind_size"] },
  Device_GetDescription: { position: 29, fields: ["device", "device_description"] },
  Device_MemoryStats: {
    position: 34,
    fields: [
      "device",
      "bytes_in_use",
      "peak_bytes_in_use",
      "peak_bytes_in_use_is_set",
      "num_allocs",
      "num_allocs_is_set",
      "largest_alloc_size",
      "largest_alloc_size_is_set",
      "bytes_limit",
      "bytes_limit_is_set",
    ],
  },
  Executable_Destroy: { position: 40, fields: ["executable"] },
  Executable_NumOutputs: { position: 44, fields: ["executable", "num_outputs"] },
  Executable_Serialize: {
    position: 49,
    fields: [
      "executable",
      "serialized_bytes",
      "serialized_bytes_size",
      "serialized_executable",
      "serialized_executable_deleter",
    ],
  },
  LoadedExecutable_Destroy: { position: 50, fields: ["executable"] },
  LoadedExecutable_GetExecutable: { position: 51, fields: ["loaded_executable", "executable"] },
  LoadedExecutable_Execute: {
    position: 55,
    fields: [
      "executable",
      "options",
      "argument_lists",
      "num_devices",
      "num_args",
      "output_lists",
      "device_complete_events",
      "execute_device",
    ],
  },
  Executable_DeserializeAndLoad: {
    position: 56,
    fields: ["client", "serialized_executable", "serialized_executable_size", "loaded_executable"],
  },
  Buffer_Destroy: { position: 58, fields: ["buffer"] },
  Buffer_ElementType: { position: 59, fields: ["buffer", "type"] },
  Buffer_Dimensions: { position: 60, fields: ["buffer", "dims", "num_dims"] },
  Buffer_IsDeleted: { position: 68, fields: ["buffer", "is_deleted"] },
  Buffer_ToHostBuffer: { position: 70, fields: ["src", "host_layout", "dst", "dst_size", "event"] },
  Executable_GetCompiledMemoryStats: {
    position: 96,
    fields: [
      "executable",
      "generated_code_size_in_bytes",
      "argument_size_in_bytes",
      "output_size_in_bytes",
      "alias_size_in_bytes",
      "temp_size_in_bytes",
    ],
  },
} as const satisfies Record<string, Entry>;

export type EntryName = keyof typeof entries;
export type Field<Name extends EntryName> = (typeof entries)[Name]["fields"][number];

/** In slots: struct_size and extension_start. */
export const headerSlots = 2;

/** Structs that are passed inside others. A plugin refuses a struct smaller than its own and takes a larger one. */
export const structs = {
  Program: ["code", "code_size", "format", "format_size"],
  NamedValue: ["name", "name_size", "type", "value", "value_size"],
  ExecuteOptions: [
    "send_callbacks",
    "recv_callbacks",
    "num_send_ops",
    "num_recv_ops",
    "launch_id",
    "non_donatable_input_indices",
    "num_non_donatable_input_indices",
  ],
} as const;

/** PJRT_Buffer_Type of the element types that a step can have. */
export const elementTypes = { int32: 4, float32: 11 } as const;

/** PJRT_NamedValue_Type */
export const namedValueTypes = { string: 0, int64: 1, int64List: 2, float: 3, bool: 4 } as const;

/** PJRT_Error_Code */
export const errorCodes = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;
export type ErrorCode = (typeof errorCodes)[number];
