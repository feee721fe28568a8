/*
 * Makes a GGUF file for llama.cpp and bootllama from a llama2.c checkpoint and its tokenizer. README.md says what goes
 * where, how weights are quantized and why feed-forward columns are padded.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/q8_0.h"
#include "checkpoint.h"
#include "gguf_file.h"
#include "tool.h"
#include "vocabulary.h"

/* Built into llama2.c and not stated in a checkpoint. */
#define ROPE_BASE 10000.0f
#define NORM_EPSILON 1e-5f

enum { /* general.file_type and general.quantization_version of docs/gguf.md */
       FILE_TYPE_ALL_F32 = 0,
       FILE_TYPE_MOSTLY_Q8_0 = 7,
       QUANTIZATION_VERSION = 2,
};

struct options {
    const char *checkpoint, *tokenizer, *output;
    const char *name;    /* general.name */
    const char *license; /* general.license, NULL if not known */
    bool f32;            /* keep all weights unchanged */
};

/* A tensor of the output: that of the checkpoint with zeros below and to the right. */
struct plan {
    char name[GGUF_TENSOR_NAME_MAX];
    enum gguf_type type;
    uint32_t rows, cols;
};

static const char usage[] =
    "Usage: llama2c-to-gguf CHECKPOINT.bin TOKENIZER.bin OUTPUT.gguf [options]\n"
    "Converts a llama2.c checkpoint (legacy format, version 0) and its tokenizer to GGUF.\n"
    "  --f32             keep weights in single precision instead of quantizing them to Q8_0\n"
    "  --name NAME       name of the model (default: the checkpoint's file name without its ending)\n"
    "  --license ID      its licence, an SPDX identifier such as MIT\n"
    "  --help            show this text\n"
    "Exit codes: 0 done, 1 a file cannot be read, used or written, 2 wrong usage.\n";

static uint32_t hidden_padded(const struct checkpoint *checkpoint, bool f32)
{
    const uint32_t groups = (checkpoint->hidden + Q8_0_BLOCK - 1) / Q8_0_BLOCK;
    return f32 ? checkpoint->hidden : groups * Q8_0_BLOCK;
}

/* ---- Metadata ---- */

/* The number of weights in the usual short form: "260K", "15M", "1.1B". Padding is not counted. */
static void format_size_label(char label[16], const struct checkpoint *checkpoint)
{
    uint64_t parameters = 0;
    for (uint32_t id = 0; id < checkpoint->tensor_count; id++) {
        parameters += (uint64_t)checkpoint->tensor[id].rows * checkpoint->tensor[id].cols;
    }
    const char *unit = parameters < 1000000 ? "K" : parameters < 1000000000 ? "M" : "B";
    const double scale = parameters < 1000000 ? 1e3 : parameters < 1000000000 ? 1e6 : 1e9;
    const double number = (double)parameters / scale;
    snprintf(label, 16, "%.*f%s", number < 9.95 ? 1 : 0, number, unit);
}

static void describe_general(struct gguf_file *file, const struct options *options, const struct checkpoint *checkpoint)
{
    char size_label[16];
    format_size_label(size_label, checkpoint);
    gguf_file_string(file, "general.architecture", "llama");
    gguf_file_string(file, "general.name", options->name);
    gguf_file_string(file, "general.size_label", size_label);
    if (options->license) {
        gguf_file_string(file, "general.license", options->license);
    }
    gguf_file_u32(file, "general.file_type", options->f32 ? FILE_TYPE_ALL_F32 : FILE_TYPE_MOSTLY_Q8_0);
    if (!options->f32) {
        gguf_file_u32(file, "general.quantization_version", QUANTIZATION_VERSION);
    }
}

static void describe_shape(struct gguf_file *file, const struct checkpoint *checkpoint, uint32_t hidden)
{
    gguf_file_u32(file, "llama.context_length", checkpoint->context);
    gguf_file_u32(file, "llama.embedding_length", checkpoint->dim);
    gguf_file_u32(file, "llama.block_count", checkpoint->layers);
    gguf_file_u32(file, "llama.feed_forward_length", hidden);
    gguf_file_u32(file, "llama.attention.head_count", checkpoint->heads);
    gguf_file_u32(file, "llama.attention.head_count_kv", checkpoint->kv_heads);
    gguf_file_f32(file, "llama.attention.layer_norm_rms_epsilon", NORM_EPSILON);
    gguf_file_u32(file, "llama.rope.dimension_count", checkpoint->head_size);
    gguf_file_f32(file, "llama.rope.freq_base", ROPE_BASE);
    gguf_file_u32(file, "llama.vocab_size", checkpoint->vocabulary);
}

static void describe_tokenizer(struct gguf_file *file, const struct vocabulary *vocabulary)
{
    gguf_file_string(file, "tokenizer.ggml.model", "llama");
    gguf_file_string_array(file, "tokenizer.ggml.tokens", vocabulary->count);
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        gguf_file_string_element(file, vocabulary->pieces[id].text, vocabulary->pieces[id].length);
    }
    gguf_file_f32_array(file, "tokenizer.ggml.scores", vocabulary->scores, vocabulary->count);
    gguf_file_i32_array(file, "tokenizer.ggml.token_type", vocabulary->types, vocabulary->count);
    gguf_file_u32(file, "tokenizer.ggml.bos_token_id", ID_BOS);
    gguf_file_u32(file, "tokenizer.ggml.eos_token_id", ID_EOS);
    gguf_file_u32(file, "tokenizer.ggml.unknown_token_id", ID_UNKNOWN);
    gguf_file_bool(file, "tokenizer.ggml.add_bos_token", true);
    gguf_file_bool(file, "tokenizer.ggml.add_eos_token", false);
    gguf_file_bool(file, "tokenizer.ggml.add_space_prefix", true);
}

/* ---- Tensors ---- */

/* Norms are vectors and stay f32; so does a matrix whose rows do not divide into groups of 32. */
static struct plan plan_tensor(const struct checkpoint *checkpoint, uint32_t id, bool f32)
{
    struct plan plan = {.rows = checkpoint->tensor[id].rows, .cols = checkpoint->tensor[id].cols};
    gguf_tensor_name(plan.name, sizeof plan.name, id);
    if (id >= GGUF_TENSOR_LAYERS) {
        const uint32_t kind = (id - GGUF_TENSOR_LAYERS) % GGUF_LAYER_TENSORS;
        if (kind == GGUF_LAYER_FFN_GATE || kind == GGUF_LAYER_FFN_UP) {
            plan.rows = hidden_padded(checkpoint, f32);
        } else if (kind == GGUF_LAYER_FFN_DOWN) {
            plan.cols = hidden_padded(checkpoint, f32);
        }
    }
    const bool quantized = !f32 && plan.rows > 1 && plan.cols % Q8_0_BLOCK == 0;
    plan.type = quantized ? GGUF_TYPE_Q8_0 : GGUF_TYPE_F32;
    return plan;
}

static void write_row(struct gguf_file *file, const struct plan *plan, const float *row, const char *checkpoint_path)
{
    if (plan->type == GGUF_TYPE_F32) {
        gguf_file_data(file, row, plan->cols * sizeof *row);
        return;
    }
    for (uint32_t i = 0; i < plan->cols; i += Q8_0_BLOCK) {
        struct q8_0_block block;
        block.scale = q8_0_quantize(block.q, row + i, Q8_0_BLOCK);
        if (!half_is_finite(block.scale)) {
            die("%s: a weight of %s is too large for Q8_0; try --f32", checkpoint_path, plan->name);
        }
        gguf_file_data(file, &block, sizeof block);
    }
}

static void write_tensor(struct gguf_file *file, struct checkpoint *checkpoint, uint32_t id, bool f32)
{
    const struct plan plan = plan_tensor(checkpoint, id, f32);
    float *row = allocate(plan.cols * sizeof *row); /* zeros: columns beyond the checkpoint's stay zero */
    for (uint32_t i = 0; i < plan.rows; i++) {
        if (i < checkpoint->tensor[id].rows) {
            checkpoint_row(checkpoint, id, i, row);
        } else {
            memset(row, 0, plan.cols * sizeof *row);
        }
        write_row(file, &plan, row, checkpoint->path);
    }
    free(row);
    gguf_file_end_tensor(file);
}

static void write_tensors(struct gguf_file *file, struct checkpoint *checkpoint, bool f32)
{
    for (uint32_t id = 0; id < checkpoint->tensor_count; id++) {
        if (checkpoint->tensor[id].rows) {
            const struct plan plan = plan_tensor(checkpoint, id, f32);
            gguf_file_tensor(file, plan.name, plan.type, plan.rows, plan.cols);
        }
    }
    gguf_file_begin_data(file);
    for (uint32_t id = 0; id < checkpoint->tensor_count; id++) {
        if (checkpoint->tensor[id].rows) {
            write_tensor(file, checkpoint, id, f32);
        }
    }
}

/* ---- Command line ---- */

_Noreturn static void usage_error(void)
{
    fputs(usage, stderr);
    exit(EXIT_USAGE);
}

/* "models/stories260K.bin" -> "stories260K"; never freed. */
static const char *name_from_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    char *name = strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
    if (!name) {
        die("out of memory");
    }
    return name;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"f32", no_argument, NULL, 'f'},
        {"name", required_argument, NULL, 'n'},
        {"license", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct options options = {0};
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case 'f':
            options.f32 = true;
            break;
        case 'n':
            options.name = optarg;
            break;
        case 'l':
            options.license = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            usage_error();
        }
    }
    if (argc - optind != 3) {
        usage_error();
    }
    options.checkpoint = argv[optind];
    options.tokenizer = argv[optind + 1];
    options.output = argv[optind + 2];
    if (!options.name) {
        options.name = name_from_path(options.checkpoint);
    }
    return options;
}

int main(int argc, char **argv)
{
    const struct options options = parse_options(argc, argv);
    static struct checkpoint checkpoint;
    struct vocabulary vocabulary;
    checkpoint_open(&checkpoint, options.checkpoint);
    vocabulary_read(&vocabulary, options.tokenizer, checkpoint.vocabulary);

    struct gguf_file file;
    gguf_file_begin(&file, options.output);
    describe_general(&file, &options, &checkpoint);
    describe_shape(&file, &checkpoint, hidden_padded(&checkpoint, options.f32));
    describe_tokenizer(&file, &vocabulary);
    write_tensors(&file, &checkpoint, options.f32);
    const uint64_t size = gguf_file_finish(&file);
    checkpoint_close(&checkpoint);

    printf("%s: %s, %s, %llu bytes\n", options.output, options.name, options.f32 ? "F32" : "Q8_0",
           (unsigned long long)size);
    return EXIT_SUCCESS;
}
