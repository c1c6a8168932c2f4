// A PJRT plugin for tests. It keeps its tensors in host memory, counts every object it hands out, and "compiles" modules
// whose first line says what they do:
//
//   // fake <kind> width=2 capacity=4 [compile-ms=0] [run-ms=0] [temp=0] [fail=refuse|execute|event] [fail-from=1]
//
// kind `counter`: @main(total[width], factor[], amount[capacity, width], count) -> (total, scaled[capacity, width]) where
//   each step adds its amount to the total (whose memory the result takes) and gives out factor * total;
// kind `reader`: @main(total[width], amount[capacity, width], count) -> (sum[capacity, width]) leaves the total as it is.
// From call `fail-from` on, `execute` refuses for want of memory, and `event` fails while it computes.
//
// The declarations follow openxla/xla, xla/pjrt/c/pjrt_c_api.h, of which no copy is needed.
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef MAJOR
#define MAJOR 0
#endif

// Entries in the order of the function table.
enum {
  Error_Destroy, Error_Message, Error_GetCode, Plugin_Initialize, Plugin_Attributes, Event_Destroy, Event_IsReady,
  Event_Error, Event_Await, Event_OnReady, Client_Create, Client_Destroy, Client_PlatformName, Client_ProcessIndex,
  Client_PlatformVersion, Client_Devices, Client_AddressableDevices, Client_LookupDevice,
  Client_LookupAddressableDevice, Client_AddressableMemories, Client_Compile, Client_DefaultDeviceAssignment,
  Client_BufferFromHostBuffer, DeviceDescription_Id, DeviceDescription_ProcessIndex, DeviceDescription_Attributes,
  DeviceDescription_Kind, DeviceDescription_DebugString, DeviceDescription_ToString, Device_GetDescription,
  Device_IsAddressable, Device_LocalHardwareId, Device_AddressableMemories, Device_DefaultMemory, Device_MemoryStats,
  Memory_Id, Memory_Kind, Memory_DebugString, Memory_ToString, Memory_AddressableByDevices, Executable_Destroy,
  Executable_Name, Executable_NumReplicas, Executable_NumPartitions, Executable_NumOutputs,
  Executable_SizeOfGeneratedCodeInBytes, Executable_GetCostAnalysis, Executable_OutputMemoryKinds,
  Executable_OptimizedProgram, Executable_Serialize, LoadedExecutable_Destroy, LoadedExecutable_GetExecutable,
  LoadedExecutable_AddressableDevices, LoadedExecutable_Delete, LoadedExecutable_IsDeleted, LoadedExecutable_Execute,
  Executable_DeserializeAndLoad, LoadedExecutable_Fingerprint, Buffer_Destroy, Buffer_ElementType, Buffer_Dimensions,
  Buffer_UnpaddedDimensions, Buffer_DynamicDimensionIndices, Buffer_GetMemoryLayout, Buffer_OnDeviceSizeInBytes,
  Buffer_Device, Buffer_Memory, Buffer_Delete, Buffer_IsDeleted, Buffer_CopyToDevice, Buffer_ToHostBuffer,
  Buffer_IsOnCpu, Buffer_ReadyEvent, Buffer_UnsafePointer, Buffer_IncreaseExternalReferenceCount,
  Buffer_DecreaseExternalReferenceCount, Buffer_OpaqueDeviceMemoryDataPointer, CopyToDeviceStream_Destroy,
  CopyToDeviceStream_AddChunk, CopyToDeviceStream_TotalBytes, CopyToDeviceStream_GranuleSize,
  CopyToDeviceStream_CurrentBytes, TopologyDescription_Create, TopologyDescription_Destroy,
  TopologyDescription_PlatformName, TopologyDescription_PlatformVersion, TopologyDescription_GetDeviceDescriptions,
  TopologyDescription_Serialize, TopologyDescription_Attributes, Compile, Executable_OutputElementTypes,
  Executable_OutputDimensions, Buffer_CopyToMemory, Client_CreateViewOfDeviceBuffer, Executable_Fingerprint,
  Client_TopologyDescription, Executable_GetCompiledMemoryStats, Memory_Kind_Id, ExecuteContext_Create,
  ExecuteContext_Destroy, Buffer_CopyRawToHost, AsyncHostToDeviceTransferManager_Destroy,
  AsyncHostToDeviceTransferManager_TransferData, Client_CreateBuffersForAsyncHostToDevice,
  AsyncHostToDeviceTransferManager_RetrieveBuffer, AsyncHostToDeviceTransferManager_Device,
  AsyncHostToDeviceTransferManager_BufferCount, AsyncHostToDeviceTransferManager_BufferSize,
  AsyncHostToDeviceTransferManager_SetBufferError, AsyncHostToDeviceTransferManager_AddMetadata, Client_DmaMap,
  Client_DmaUnmap, Client_CreateUninitializedBuffer, Client_UpdateGlobalProcessInfo, TopologyDescription_Deserialize,
  Client_CreateAliasBuffer, Client_FulfillAliasBuffer, LoadedExecutable_GetDeviceAssignment,
  TABLE_LENGTH
};

#define HEADER size_t struct_size; void *extension_start
typedef struct { int code; char message[400]; } Error;
typedef struct { double ready_at; bool fails; } Event;
typedef struct {
  char kind[16], fail[16], text[4096];
  int width, capacity, compile_ms, run_ms, temp, fail_from;
  atomic_int holders, executions;
} Module;
typedef struct { Module *module; } Executable;
typedef struct { int type; size_t num_dims; int64_t dims[8]; size_t bytes; void *data; bool deleted, failed; double ready_at; } Buffer;
typedef struct { char options[400]; } Client;

typedef struct { HEADER; Error *error; } Error_Destroy_Args;
typedef struct { HEADER; const Error *error; const char *message; size_t message_size; } Error_Message_Args;
typedef struct { HEADER; const Error *error; int code; } Error_GetCode_Args;
typedef struct { HEADER; } Plugin_Initialize_Args;
typedef struct { HEADER; Event *event; } Event_Destroy_Args;
typedef struct { HEADER; Event *event; } Event_Await_Args;
typedef struct {
  HEADER; const char *name; size_t name_size; int type;
  union { const char *string; int64_t integer; const int64_t *list; float number; bool boolean; } value;
  size_t value_size;
} NamedValue;
typedef struct {
  HEADER; const NamedValue *create_options; size_t num_options;
  void *kv_get_callback, *kv_get_user_arg, *kv_put_callback, *kv_put_user_arg;
  Client *client;
  void *kv_try_get_callback, *kv_try_get_user_arg;
} Client_Create_Args;
typedef struct { HEADER; Client *client; } Client_Destroy_Args;
typedef struct { HEADER; Client *client; const char *platform_name; size_t platform_name_size; } Client_PlatformName_Args;
typedef struct { HEADER; Client *client; const char *platform_version; size_t platform_version_size; } Client_PlatformVersion_Args;
typedef struct { HEADER; Client *client; void *const *addressable_devices; size_t num_addressable_devices; } Client_AddressableDevices_Args;
typedef struct { HEADER; char *code; size_t code_size; const char *format; size_t format_size; } Program;
typedef struct { HEADER; Client *client; const Program *program; const char *compile_options; size_t compile_options_size; Executable *executable; } Client_Compile_Args;
typedef struct {
  HEADER; Client *client; const void *data; int type; const int64_t *dims; size_t num_dims;
  const int64_t *byte_strides; size_t num_byte_strides; int host_buffer_semantics;
  void *device, *memory, *device_layout; Event *done_with_host_buffer; Buffer *buffer;
} Client_BufferFromHostBuffer_Args;
typedef struct { HEADER; void *device_description; const char *device_kind; size_t device_kind_size; } DeviceDescription_Kind_Args;
typedef struct { HEADER; void *device; void *device_description; } Device_GetDescription_Args;
typedef struct {
  HEADER; void *device; int64_t bytes_in_use, peak_bytes_in_use; bool peak_bytes_in_use_is_set;
  int64_t num_allocs; bool num_allocs_is_set; int64_t largest_alloc_size; bool largest_alloc_size_is_set;
  int64_t bytes_limit; bool bytes_limit_is_set; int64_t bytes_reserved; bool bytes_reserved_is_set;
} Device_MemoryStats_Args;
typedef struct { HEADER; Executable *executable; } Executable_Destroy_Args;
typedef struct { HEADER; Executable *executable; size_t num_outputs; } Executable_NumOutputs_Args;
typedef struct { HEADER; const Executable *executable; const char *serialized_bytes; size_t serialized_bytes_size; void *serialized_executable; void (*serialized_executable_deleter)(void *); } Executable_Serialize_Args;
typedef struct { HEADER; Executable *executable; } LoadedExecutable_Destroy_Args;
typedef struct { HEADER; Executable *loaded_executable; Executable *executable; } LoadedExecutable_GetExecutable_Args;
typedef struct {
  HEADER; void **send_callbacks, **recv_callbacks; size_t num_send_ops, num_recv_ops; int launch_id;
  const int64_t *non_donatable_input_indices; size_t num_non_donatable_input_indices;
  void *context; const char *call_location; size_t num_tasks; int *task_ids; int64_t *incarnation_ids;
} ExecuteOptions;
typedef struct {
  HEADER; Executable *executable; ExecuteOptions *options; Buffer *const *const *argument_lists; size_t num_devices, num_args;
  Buffer **const *output_lists; Event **device_complete_events; void *execute_device;
} LoadedExecutable_Execute_Args;
typedef struct { HEADER; Client *client; const char *serialized_executable; size_t serialized_executable_size; Executable *loaded_executable; const char *overridden; size_t overridden_size; } Executable_DeserializeAndLoad_Args;
typedef struct { HEADER; Buffer *buffer; } Buffer_Destroy_Args;
typedef struct { HEADER; Buffer *buffer; int type; } Buffer_ElementType_Args;
typedef struct { HEADER; Buffer *buffer; const int64_t *dims; size_t num_dims; } Buffer_Dimensions_Args;
typedef struct { HEADER; Buffer *buffer; bool is_deleted; } Buffer_IsDeleted_Args;
typedef struct { HEADER; Buffer *src; void *host_layout; void *dst; size_t dst_size; Event *event; } Buffer_ToHostBuffer_Args;
typedef struct {
  HEADER; Executable *executable; int64_t generated_code_size_in_bytes, argument_size_in_bytes, output_size_in_bytes,
  alias_size_in_bytes, temp_size_in_bytes, host[5], peak_memory_in_bytes;
} Executable_GetCompiledMemoryStats_Args;

// What is alive and what was done, in this order for `fake_counters`.
static struct { atomic_long errors, events, buffers, executables, clients, serialized, compilations, loads, executions, donations; } count;
static char last_options[400];
static unsigned char last_compile_options[512];
static size_t last_compile_options_size;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void wait_until(double when) {
  for (double left = when - now(); left > 0; left = when - now()) {
    struct timespec t = {(time_t)(left / 1e3), (long)(left * 1e6) % 1000000000};
    nanosleep(&t, NULL);
  }
}

static Error *error(int code, const char *message) {
  Error *made = calloc(1, sizeof *made);
  made->code = code;
  snprintf(made->message, sizeof made->message, "%s", message);
  count.errors++;
  return made;
}

static Event *event(double ready_at, bool fails) {
  Event *made = calloc(1, sizeof *made);
  made->ready_at = ready_at;
  made->fails = fails;
  count.events++;
  return made;
}

static Buffer *buffer(int type, size_t num_dims, const int64_t *dims) {
  Buffer *made = calloc(1, sizeof *made);
  made->type = type;
  made->num_dims = num_dims;
  made->bytes = 4;
  for (size_t i = 0; i < num_dims; i++) made->bytes *= made->dims[i] = dims[i];
  made->data = calloc(1, made->bytes + 1);
  count.buffers++;
  return made;
}

static Executable *executable(Module *module) {
  Executable *made = calloc(1, sizeof *made);
  made->module = module;
  module->holders++;
  count.executables++;
  return made;
}

static void drop(Executable *gone) {
  if (--gone->module->holders == 0) free(gone->module);
  free(gone);
  count.executables--;
}

static int number(const char *text, const char *key, int otherwise) {
  const char *found = strstr(text, key);
  return found ? atoi(found + strlen(key)) : otherwise;
}

static Module *parse(const char *code, size_t size) {
  Module *module = calloc(1, sizeof *module);
  if (size >= sizeof module->text) size = sizeof module->text - 1;
  memcpy(module->text, code, size);
  const char *fail = strstr(module->text, " fail=");
  if (fail) sscanf(fail, " fail=%15s", module->fail);
  module->width = number(module->text, " width=", 1);
  module->capacity = number(module->text, " capacity=", 1);
  module->compile_ms = number(module->text, " compile-ms=", 0);
  module->run_ms = number(module->text, " run-ms=", 0);
  module->temp = number(module->text, " temp=", 0);
  module->fail_from = number(module->text, " fail-from=", 1);
  bool known = sscanf(module->text, "// fake %15s", module->kind) == 1;
  if (known && strcmp(module->fail, "refuse") != 0) return module;
  free(module);
  return NULL;
}

// A real plugin refuses a struct smaller than its own, too.
#define ENTRY(name) static Error *do_##name(name##_Args *args)
#define SIZED(name) if (args->struct_size < sizeof(name##_Args)) return error(3, "Unexpected " #name "_Args size")

static void do_Error_Destroy(Error_Destroy_Args *args) { free(args->error); count.errors--; }
static void do_Error_Message(Error_Message_Args *args) { args->message = args->error->message; args->message_size = strlen(args->error->message); }
ENTRY(Error_GetCode) { args->code = args->error->code; return NULL; }
ENTRY(Plugin_Initialize) { SIZED(Plugin_Initialize); return NULL; }

ENTRY(Event_Destroy) { SIZED(Event_Destroy); free(args->event); count.events--; return NULL; }
ENTRY(Event_Await) {
  SIZED(Event_Await);
  wait_until(args->event->ready_at);
  return args->event->fails ? error(13, "the fake device broke while it computed") : NULL;
}

ENTRY(Client_Create) {
  SIZED(Client_Create);
  char *to = last_options;
  *to = 0;
  for (size_t i = 0; i < args->num_options; i++) {
    const NamedValue *option = (const NamedValue *)((const char *)args->create_options + i * sizeof(NamedValue));
    if (option->struct_size != sizeof *option) return error(3, "Unexpected NamedValue size");
    to += sprintf(to, "%.*s=", (int)option->name_size, option->name);
    if (option->type == 2) to += sprintf(to, "%ld ", (long)option->value.list[0]);
    if (option->type == 3) to += sprintf(to, "%.3f ", option->value.number);
    if (option->type == 4) to += sprintf(to, "%s ", option->value.boolean ? "true" : "false");
    if (option->type == 2 && option->value.list[0] > 0) return error(9, "no visible fake device");
  }
  args->client = calloc(1, sizeof(Client));
  count.clients++;
  return NULL;
}
ENTRY(Client_Destroy) { SIZED(Client_Destroy); free(args->client); count.clients--; return NULL; }
ENTRY(Client_PlatformName) { SIZED(Client_PlatformName); args->platform_name = "fake!"; args->platform_name_size = 4; return NULL; }
ENTRY(Client_PlatformVersion) { SIZED(Client_PlatformVersion); args->platform_version = "1.0"; args->platform_version_size = 3; return NULL; }
static char the_device, the_description;
static void *devices[] = {&the_device};
ENTRY(Client_AddressableDevices) { SIZED(Client_AddressableDevices); args->addressable_devices = devices; args->num_addressable_devices = 1; return NULL; }
ENTRY(Device_GetDescription) { SIZED(Device_GetDescription); args->device_description = &the_description; return args->device == &the_device ? NULL : error(3, "not a device"); }
ENTRY(DeviceDescription_Kind) { SIZED(DeviceDescription_Kind); args->device_kind = "Fake 1"; args->device_kind_size = 6; return NULL; }
ENTRY(Device_MemoryStats) { SIZED(Device_MemoryStats); args->bytes_in_use = 10; args->peak_bytes_in_use = 20; args->bytes_limit = 30; return NULL; }

ENTRY(Client_Compile) {
  SIZED(Client_Compile);
  const Program *program = args->program;
  if (program->struct_size < sizeof *program || program->format_size != 4 || memcmp(program->format, "mlir", 4) != 0)
    return error(3, "unknown program format");
  count.compilations++;
  last_compile_options_size = args->compile_options_size;
  memcpy(last_compile_options, args->compile_options, args->compile_options_size);
  Module *module = parse(program->code, program->code_size);
  if (!module) return error(3, "<unknown>:2:5: error: custom op 'nonsense' is unknown");
  // Deep recursion in a compiler needs the stack that the caller set up.
  volatile char stack[4 << 20];
  stack[0] = stack[sizeof stack - 1] = 1;
  wait_until(now() + module->compile_ms);
  args->executable = executable(module);
  return NULL;
}
ENTRY(LoadedExecutable_GetExecutable) { SIZED(LoadedExecutable_GetExecutable); args->executable = executable(args->loaded_executable->module); return NULL; }
ENTRY(LoadedExecutable_Destroy) { SIZED(LoadedExecutable_Destroy); drop(args->executable); return NULL; }
ENTRY(Executable_Destroy) { SIZED(Executable_Destroy); drop(args->executable); return NULL; }
ENTRY(Executable_NumOutputs) { SIZED(Executable_NumOutputs); args->num_outputs = strcmp(args->executable->module->kind, "counter") == 0 ? 2 : 1; return NULL; }
ENTRY(Executable_GetCompiledMemoryStats) { SIZED(Executable_GetCompiledMemoryStats); args->temp_size_in_bytes = args->executable->module->temp; return NULL; }

static void free_serialized(void *object) { free(object); count.serialized--; }
ENTRY(Executable_Serialize) {
  SIZED(Executable_Serialize);
  char *copy = strdup(args->executable->module->text);
  count.serialized++;
  args->serialized_bytes = args->serialized_executable = copy;
  args->serialized_bytes_size = strlen(copy);
  args->serialized_executable_deleter = free_serialized;
  return NULL;
}
ENTRY(Executable_DeserializeAndLoad) {
  SIZED(Executable_DeserializeAndLoad);
  Module *module = parse(args->serialized_executable, args->serialized_executable_size);
  if (!module) return error(3, "not an executable of this plugin");
  count.loads++;
  args->loaded_executable = executable(module);
  return NULL;
}

ENTRY(Client_BufferFromHostBuffer) {
  SIZED(Client_BufferFromHostBuffer);
  if (args->host_buffer_semantics != 0 || args->device != &the_device) return error(12, "the fake only copies to its device");
  args->buffer = buffer(args->type, args->num_dims, args->dims);
  memcpy(args->buffer->data, args->data, args->buffer->bytes);
  args->done_with_host_buffer = event(0, false);
  return NULL;
}
ENTRY(Buffer_Destroy) {
  SIZED(Buffer_Destroy);
  free(args->buffer->data);
  free(args->buffer);
  count.buffers--;
  return NULL;
}
ENTRY(Buffer_ElementType) { SIZED(Buffer_ElementType); args->type = args->buffer->type; return NULL; }
ENTRY(Buffer_Dimensions) { SIZED(Buffer_Dimensions); args->dims = args->buffer->dims; args->num_dims = args->buffer->num_dims; return NULL; }
ENTRY(Buffer_IsDeleted) { SIZED(Buffer_IsDeleted); args->is_deleted = args->buffer->deleted; return NULL; }
ENTRY(Buffer_ToHostBuffer) {
  SIZED(Buffer_ToHostBuffer);
  if (args->src->deleted) return error(3, "Buffer has been deleted or donated.");
  if (args->dst_size < args->src->bytes) return error(3, "the host buffer is too small");
  memcpy(args->dst, args->src->data, args->src->bytes);
  args->event = event(args->src->ready_at, args->src->failed);
  return NULL;
}

static bool kept(const ExecuteOptions *options, int64_t index) {
  for (size_t i = 0; i < options->num_non_donatable_input_indices; i++)
    if (options->non_donatable_input_indices[i] == index) return true;
  return false;
}
static double device_free_at;

ENTRY(LoadedExecutable_Execute) {
  SIZED(LoadedExecutable_Execute);
  Module *module = args->executable->module;
  bool is_counter = strcmp(module->kind, "counter") == 0;
  if (args->options->struct_size < sizeof(ExecuteOptions)) return error(3, "Unexpected ExecuteOptions size");
  if (args->num_devices != 1 || args->num_args != (is_counter ? 4 : 3)) return error(3, "wrong number of arguments");
  Buffer *const *in = args->argument_lists[0];
  int64_t of_total[] = {module->width}, of_slices[] = {module->capacity, module->width};
  size_t bytes[4] = {4 * module->width, 4, 4 * module->capacity * module->width, 4};
  for (size_t i = 0; i < args->num_args; i++) {
    if (in[i]->deleted) return error(3, "Buffer has been deleted or donated.");
    if (in[i]->bytes != bytes[is_counter || i == 0 ? i : i + 1]) return error(3, "an argument has the wrong size");
  }
  bool fails = ++module->executions >= module->fail_from;
  if (fails && strcmp(module->fail, "execute") == 0)
    return error(8, "Out of memory while trying to allocate 12345 bytes.");
  fails = fails && strcmp(module->fail, "event") == 0;

  count.executions++;
  device_free_at = (device_free_at > now() ? device_free_at : now()) + module->run_ms;
  Buffer *total = buffer(11, 1, of_total), *given = buffer(11, 2, of_slices);
  memcpy(total->data, in[0]->data, total->bytes);
  float *sums = total->data, *out = given->data, *amounts = in[args->num_args - 2]->data;
  int steps = *(int32_t *)in[args->num_args - 1]->data;
  for (int k = 0; k < steps; k++) {
    for (int i = 0; i < module->width; i++) {
      float sum = sums[i] + amounts[k * module->width + i];
      if (is_counter) sums[i] = sum;
      out[k * module->width + i] = is_counter ? sum * *(float *)in[1]->data : sum;
    }
  }
  // Like a device that pads: what no step wrote must not be seen.
  for (int i = steps * module->width; i < module->capacity * module->width; i++) out[i] = -999;
  total->ready_at = given->ready_at = device_free_at;
  total->failed = given->failed = fails || in[0]->failed;
  Buffer **results = args->output_lists[0];
  if (is_counter) {
    if (!kept(args->options, 0)) {
      in[0]->deleted = true;
      count.donations++;
    }
    *results++ = total;
  } else {
    Buffer_Destroy_Args unused = {sizeof unused, NULL, total};
    do_Buffer_Destroy(&unused);
  }
  *results = given;
  args->device_complete_events[0] = event(device_free_at, given->failed);
  return NULL;
}

static struct {
  HEADER;
  struct { HEADER; int major, minor; } version;
  void *entries[TABLE_LENGTH];
} api = {
    .struct_size = sizeof api,
    .version = {.struct_size = 24, .major = MAJOR, .minor = 104},
    .entries = {
#define IMPLEMENTED(name) [name] = do_##name
        IMPLEMENTED(Error_Destroy), IMPLEMENTED(Error_Message), IMPLEMENTED(Error_GetCode),
        IMPLEMENTED(Plugin_Initialize), IMPLEMENTED(Event_Destroy), IMPLEMENTED(Event_Await),
        IMPLEMENTED(Client_Create), IMPLEMENTED(Client_Destroy), IMPLEMENTED(Client_PlatformName),
        IMPLEMENTED(Client_PlatformVersion), IMPLEMENTED(Client_AddressableDevices), IMPLEMENTED(Client_Compile),
        IMPLEMENTED(Client_BufferFromHostBuffer), IMPLEMENTED(DeviceDescription_Kind),
        IMPLEMENTED(Device_GetDescription), IMPLEMENTED(Device_MemoryStats), IMPLEMENTED(Executable_Destroy),
        IMPLEMENTED(Executable_NumOutputs), IMPLEMENTED(Executable_Serialize), IMPLEMENTED(LoadedExecutable_Destroy),
        IMPLEMENTED(LoadedExecutable_GetExecutable), IMPLEMENTED(LoadedExecutable_Execute),
        IMPLEMENTED(Executable_DeserializeAndLoad), IMPLEMENTED(Buffer_Destroy), IMPLEMENTED(Buffer_ElementType),
        IMPLEMENTED(Buffer_Dimensions), IMPLEMENTED(Buffer_IsDeleted), IMPLEMENTED(Buffer_ToHostBuffer),
        IMPLEMENTED(Executable_GetCompiledMemoryStats),
    }};

#ifndef NO_API
void *GetPjrtApi(void) {
#ifdef SHORT_TABLE
  api.struct_size = 40 + 8 * 50;
#endif
  return &api;
}
#endif

// For the tests: counters, the last client's options, the last compilation's, and the layout of everything above.
void fake_counters(int64_t *to) {
  atomic_long *from = (atomic_long *)&count;
  for (size_t i = 0; i < sizeof count / sizeof *from; i++) to[i] = from[i];
}
const char *fake_client_options(void) { return last_options; }
const char *fake_compile_options(void) {
  static char hex[1025];
  for (size_t i = 0; i < last_compile_options_size; i++) sprintf(hex + 2 * i, "%02x", last_compile_options[i]);
  return hex;
}

const char *fake_layout(void) {
  static char text[8192];
  char *to = text;
#define AT(entry) to += sprintf(to, "%s position %d\n", #entry, entry)
#define FIELD(entry, field) to += sprintf(to, "%s %s %zu\n", #entry, #field, offsetof(entry##_Args, field))
#define PART(type, field) to += sprintf(to, "%s %s %zu\n", #type, #field, offsetof(type, field))
  AT(Error_Destroy); FIELD(Error_Destroy, error);
  AT(Error_Message); FIELD(Error_Message, error); FIELD(Error_Message, message); FIELD(Error_Message, message_size);
  AT(Error_GetCode); FIELD(Error_GetCode, error); FIELD(Error_GetCode, code);
  AT(Plugin_Initialize);
  AT(Event_Destroy); FIELD(Event_Destroy, event);
  AT(Event_Await); FIELD(Event_Await, event);
  AT(Client_Create); FIELD(Client_Create, create_options); FIELD(Client_Create, num_options);
  FIELD(Client_Create, kv_get_callback); FIELD(Client_Create, kv_get_user_arg); FIELD(Client_Create, kv_put_callback);
  FIELD(Client_Create, kv_put_user_arg); FIELD(Client_Create, client);
  AT(Client_Destroy); FIELD(Client_Destroy, client);
  AT(Client_PlatformName); FIELD(Client_PlatformName, client); FIELD(Client_PlatformName, platform_name);
  FIELD(Client_PlatformName, platform_name_size);
  AT(Client_PlatformVersion); FIELD(Client_PlatformVersion, client); FIELD(Client_PlatformVersion, platform_version);
  FIELD(Client_PlatformVersion, platform_version_size);
  AT(Client_AddressableDevices); FIELD(Client_AddressableDevices, client);
  FIELD(Client_AddressableDevices, addressable_devices); FIELD(Client_AddressableDevices, num_addressable_devices);
  AT(Client_Compile); FIELD(Client_Compile, client); FIELD(Client_Compile, program);
  FIELD(Client_Compile, compile_options); FIELD(Client_Compile, compile_options_size);
  FIELD(Client_Compile, executable);
  AT(Client_BufferFromHostBuffer); FIELD(Client_BufferFromHostBuffer, client);
  FIELD(Client_BufferFromHostBuffer, data); FIELD(Client_BufferFromHostBuffer, type);
  FIELD(Client_BufferFromHostBuffer, dims); FIELD(Client_BufferFromHostBuffer, num_dims);
  FIELD(Client_BufferFromHostBuffer, byte_strides); FIELD(Client_BufferFromHostBuffer, num_byte_strides);
  FIELD(Client_BufferFromHostBuffer, host_buffer_semantics); FIELD(Client_BufferFromHostBuffer, device);
  FIELD(Client_BufferFromHostBuffer, memory); FIELD(Client_BufferFromHostBuffer, device_layout);
  FIELD(Client_BufferFromHostBuffer, done_with_host_buffer); FIELD(Client_BufferFromHostBuffer, buffer);
  AT(DeviceDescription_Kind); FIELD(DeviceDescription_Kind, device_description);
  FIELD(DeviceDescription_Kind, device_kind); FIELD(DeviceDescription_Kind, device_kind_size);
  AT(Device_GetDescription); FIELD(Device_GetDescription, device); FIELD(Device_GetDescription, device_description);
  AT(Device_MemoryStats); FIELD(Device_MemoryStats, device); FIELD(Device_MemoryStats, bytes_in_use);
  FIELD(Device_MemoryStats, peak_bytes_in_use); FIELD(Device_MemoryStats, peak_bytes_in_use_is_set);
  FIELD(Device_MemoryStats, num_allocs); FIELD(Device_MemoryStats, num_allocs_is_set);
  FIELD(Device_MemoryStats, largest_alloc_size); FIELD(Device_MemoryStats, largest_alloc_size_is_set);
  FIELD(Device_MemoryStats, bytes_limit); FIELD(Device_MemoryStats, bytes_limit_is_set);
  AT(Executable_Destroy); FIELD(Executable_Destroy, executable);
  AT(Executable_NumOutputs); FIELD(Executable_NumOutputs, executable); FIELD(Executable_NumOutputs, num_outputs);
  AT(Executable_Serialize); FIELD(Executable_Serialize, executable); FIELD(Executable_Serialize, serialized_bytes);
  FIELD(Executable_Serialize, serialized_bytes_size); FIELD(Executable_Serialize, serialized_executable);
  FIELD(Executable_Serialize, serialized_executable_deleter);
  AT(LoadedExecutable_Destroy); FIELD(LoadedExecutable_Destroy, executable);
  AT(LoadedExecutable_GetExecutable); FIELD(LoadedExecutable_GetExecutable, loaded_executable);
  FIELD(LoadedExecutable_GetExecutable, executable);
  AT(LoadedExecutable_Execute); FIELD(LoadedExecutable_Execute, executable); FIELD(LoadedExecutable_Execute, options);
  FIELD(LoadedExecutable_Execute, argument_lists); FIELD(LoadedExecutable_Execute, num_devices);
  FIELD(LoadedExecutable_Execute, num_args); FIELD(LoadedExecutable_Execute, output_lists);
  FIELD(LoadedExecutable_Execute, device_complete_events); FIELD(LoadedExecutable_Execute, execute_device);
  AT(Executable_DeserializeAndLoad); FIELD(Executable_DeserializeAndLoad, client);
  FIELD(Executable_DeserializeAndLoad, serialized_executable);
  FIELD(Executable_DeserializeAndLoad, serialized_executable_size);
  FIELD(Executable_DeserializeAndLoad, loaded_executable);
  AT(Buffer_Destroy); FIELD(Buffer_Destroy, buffer);
  AT(Buffer_ElementType); FIELD(Buffer_ElementType, buffer); FIELD(Buffer_ElementType, type);
  AT(Buffer_Dimensions); FIELD(Buffer_Dimensions, buffer); FIELD(Buffer_Dimensions, dims);
  FIELD(Buffer_Dimensions, num_dims);
  AT(Buffer_IsDeleted); FIELD(Buffer_IsDeleted, buffer); FIELD(Buffer_IsDeleted, is_deleted);
  AT(Buffer_ToHostBuffer); FIELD(Buffer_ToHostBuffer, src); FIELD(Buffer_ToHostBuffer, host_layout);
  FIELD(Buffer_ToHostBuffer, dst); FIELD(Buffer_ToHostBuffer, dst_size); FIELD(Buffer_ToHostBuffer, event);
  AT(Executable_GetCompiledMemoryStats); FIELD(Executable_GetCompiledMemoryStats, executable);
  FIELD(Executable_GetCompiledMemoryStats, generated_code_size_in_bytes);
  FIELD(Executable_GetCompiledMemoryStats, argument_size_in_bytes);
  FIELD(Executable_GetCompiledMemoryStats, output_size_in_bytes);
  FIELD(Executable_GetCompiledMemoryStats, alias_size_in_bytes);
  FIELD(Executable_GetCompiledMemoryStats, temp_size_in_bytes);
  PART(Program, code); PART(Program, code_size); PART(Program, format); PART(Program, format_size);
  PART(NamedValue, name); PART(NamedValue, name_size); PART(NamedValue, type); PART(NamedValue, value); PART(NamedValue, value_size);
  PART(ExecuteOptions, send_callbacks); PART(ExecuteOptions, recv_callbacks); PART(ExecuteOptions, num_send_ops); PART(ExecuteOptions, num_recv_ops); PART(ExecuteOptions, launch_id); PART(ExecuteOptions, non_donatable_input_indices); PART(ExecuteOptions, num_non_donatable_input_indices);
  return text;
}
