/* An external TFLite delegate without a device, which simulates all outcomes of a real one.
 *
 *     gcc -O2 -shared -fPIC -fvisibility=hidden -o libstub.so stub_delegate.c
 *
 * Options (delegate_options, --delegate-option):
 *   mode     "all"      takes every operator; its kernel fills each output with the byte `fill`
 *            "one"      takes the first operator only
 *            "custom"   takes the Edge TPU's custom operators only
 *            "none"     takes no operator
 *            "refuse"   is not created, and reports a reason
 *            "null"     is not created, and reports nothing
 *            "prepare"  fails to prepare the graph
 *            "invoke"   takes every operator, and fails on invocation
 *   fill     the byte that outputs are filled with (default 0)
 *   healthy  with "invoke": number of successful runs before the failure (default 0)
 *
 * The tests do not depend on TensorFlow's headers, so the required declarations are copied here. The layouts are those
 * of tensorflow/lite/core/c/common.h, which are stable because delegates are built separately from the engine. Only the
 * beginning of TfLiteContext is declared: the engine allocates it, and later fields are not accessed.
 * TfLiteRegistration is passed by value and needs its full size, because on 32-bit ARM the position of the following
 * arguments depends on it. The size is that of TensorFlow 2.14 and later.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

enum { OK = 0, ERROR = 1 };
enum { BUILTIN_DELEGATE = 51, ALLOW_DYNAMIC_TENSORS = 1 };

typedef struct {
  int size;
  int data[];
} IntArray;

typedef struct Delegate Delegate;

typedef struct {
  int type;
  void *data;
  IntArray *dims;
  struct {
    float scale;
    int32_t zero_point;
  } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  Delegate *delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  struct {
    int type;
    void *params;
  } quantization;
  void *sparsity;
  const IntArray *dims_signature;
} Tensor;

typedef struct {
  IntArray *inputs;
  IntArray *outputs;
  /* the rest is not used */
} Node;

typedef struct Context Context;

typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  const char *(*profiling_string)(const Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *registration_external;
  void *async_kernel;
  uint64_t inplace_operator;
} Registration;

struct Context {
  size_t tensors_size;
  int (*get_execution_plan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl;
  int (*resize_tensor)(Context *, Tensor *, IntArray *);
  void (*report_error)(Context *, const char *, ...);
  int (*add_tensors)(Context *, int, int *);
  int (*get_node_and_registration)(Context *, int, Node **, Registration **);
  int (*replace_nodes)(Context *, Registration, const IntArray *, Delegate *);
  /* the rest is not used */
};

struct Delegate {
  void *data;
  int (*prepare)(Context *, Delegate *);
  int (*copy_from_buffer_handle)(Context *, Delegate *, int, Tensor *);
  int (*copy_to_buffer_handle)(Context *, Delegate *, int, Tensor *);
  void (*free_buffer_handle)(Context *, Delegate *, int *);
  int64_t flags;
  void *opaque_builder;
};

typedef struct {
  Delegate delegate; /* first, so that a pointer to one is a pointer to the other */
  char mode[16];
  int fill;
  int healthy;
} Stub;

/* For tests: the number of existing delegates. */
EXPORTED int stub_alive = 0;

/* A kernel's init does not receive its delegate: it is the one that is being prepared. */
static Stub *preparing;

static bool is(const Stub *stub, const char *mode) { return strcmp(stub->mode, mode) == 0; }

static void *kernel_init(Context *context, const char *params, size_t size) {
  (void)context, (void)params, (void)size;
  return preparing;
}

static void kernel_free(Context *context, void *data) { (void)context, (void)data; }

static int kernel_prepare(Context *context, Node *node) {
  (void)context, (void)node;
  return OK;
}

/* TfLiteNode stores the result of init after four tensor arrays. */
static Stub *stub_of(Node *node) { return ((void **)node)[4]; }

static int kernel_invoke(Context *context, Node *node) {
  Stub *stub = stub_of(node);
  if (is(stub, "invoke") && stub->healthy-- <= 0) {
    context->report_error(context, "stub: the device was lost. ");
    return ERROR;
  }
  for (int i = 0; i < node->outputs->size; i++) {
    Tensor *output = &context->tensors[node->outputs->data[i]];
    memset(output->data, stub->fill, output->bytes);
  }
  return OK;
}

static bool takes(const Stub *stub, const Registration *registration, int taken) {
  if (is(stub, "one")) return taken == 0;
  if (is(stub, "custom")) return registration->custom_name && !strcmp(registration->custom_name, "edgetpu-custom-op");
  return is(stub, "all") || is(stub, "invoke");
}

static int delegate_prepare(Context *context, Delegate *delegate) {
  Stub *stub = (Stub *)delegate;
  IntArray *plan;
  if (is(stub, "prepare")) {
    context->report_error(context, "stub: the device has no memory left. ");
    return ERROR;
  }
  if (context->get_execution_plan(context, &plan) != OK) return ERROR;
  /* get_node_and_registration may reuse the plan's memory, so the plan is copied first. */
  size_t bytes = sizeof(IntArray) + plan->size * sizeof(int);
  IntArray *nodes = malloc(bytes), *chosen = malloc(bytes);
  memcpy(nodes, plan, bytes);
  chosen->size = 0;
  for (int i = 0; i < nodes->size; i++) {
    Node *node;
    Registration *registration;
    if (context->get_node_and_registration(context, nodes->data[i], &node, &registration) != OK) break;
    if (takes(stub, registration, chosen->size)) chosen->data[chosen->size++] = nodes->data[i];
  }
  Registration kernel = {
      .init = kernel_init,
      .free = kernel_free,
      .prepare = kernel_prepare,
      .invoke = kernel_invoke,
      .builtin_code = BUILTIN_DELEGATE,
      .custom_name = "Stub",
      .version = 1,
  };
  preparing = stub;
  int status = chosen->size ? context->replace_nodes(context, kernel, chosen, delegate) : OK;
  free(nodes);
  free(chosen);
  return status;
}

EXPORTED Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                                 void (*report_error)(const char *)) {
  Stub *stub = calloc(1, sizeof(Stub));
  for (size_t i = 0; i < count; i++) {
    if (!strcmp(keys[i], "mode")) strncpy(stub->mode, values[i], sizeof(stub->mode) - 1);
    if (!strcmp(keys[i], "fill")) stub->fill = atoi(values[i]);
    if (!strcmp(keys[i], "healthy")) stub->healthy = atoi(values[i]);
  }
  if (is(stub, "refuse") || is(stub, "null")) {
    if (is(stub, "refuse")) report_error("stub: no device found");
    free(stub);
    return NULL;
  }
  stub->delegate.data = stub;
  stub->delegate.prepare = delegate_prepare;
  /* Requests preparation before the engine checks for operators that only the delegate supports. */
  if (is(stub, "custom") || is(stub, "none")) stub->delegate.flags = ALLOW_DYNAMIC_TENSORS;
  stub_alive++;
  return &stub->delegate;
}

EXPORTED void tflite_plugin_destroy_delegate(Delegate *delegate) {
  stub_alive--;
  free(delegate);
}
