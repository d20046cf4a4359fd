// The calls of CTranslate2 that the engine needs, without C++ in their signatures, so that the worker can load them
// while it runs. Built by `./dev engine` against CTranslate2's headers and the library of its Python package.

#include <ctranslate2/models/whisper.h>

#include <cstring>
#include <map>
#include <memory>

using namespace ctranslate2;

namespace {
  // A stream over memory of somebody else's.
  class View : std::streambuf, public std::istream {
  public:
    View(const char* bytes, size_t size) : std::istream(this) {
      char* begin = const_cast<char*>(bytes);
      setg(begin, begin, begin + size);
    }

  protected:
    std::streampos seekoff(std::streamoff offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
      char* base = from == std::ios_base::beg ? eback() : from == std::ios_base::cur ? gptr() : egptr();
      if (offset < eback() - base || offset > egptr() - base)
        return std::streampos(std::streamoff(-1));
      setg(eback(), base + offset, egptr());
      return gptr() - eback();
    }

    std::streampos seekpos(std::streampos position, std::ios_base::openmode mode) override {
      return seekoff(std::streamoff(position), std::ios_base::beg, mode);
    }
  };

  // Reads files out of the caller's memory, where CTranslate2's own reader would keep copies.
  class Reader : public models::ModelReader {
  public:
    std::map<std::string, std::pair<const char*, size_t>> files;

    std::string get_model_id() const override {
      return "whisper";
    }

    std::unique_ptr<std::istream> get_file(const std::string& name, const bool) override {
      const auto file = files.find(name);
      return file == files.end() ? nullptr : std::make_unique<View>(file->second.first, file->second.second);
    }
  };

  struct Model {
    std::unique_ptr<models::Whisper> pool;
  };

  // 0, or -1 with the reason in `error`.
  template <typename Call>
  int guarded(char* error, size_t error_size, Call call) {
    try {
      call();
      return 0;
    } catch (const std::exception& exception) {
      std::strncpy(error, exception.what(), error_size - 1);
      error[error_size - 1] = '\0';
    } catch (...) {
      std::strncpy(error, "an unknown exception", error_size - 1);
      error[error_size - 1] = '\0';
    }
    return -1;
  }
}

extern "C" {
  // Weights as in a `model.bin`, with the texts of `config.json` and `vocabulary.txt`; computes in int8.
  Model* cuelight_ct2_load(const char* weights, size_t weights_size, const char* config, size_t config_size,
                           const char* vocabulary, size_t vocabulary_size, size_t replicas,
                           char* error, size_t error_size) {
    auto model = std::make_unique<Model>();
    const int failed = guarded(error, error_size, [&] {
      auto reader = std::make_shared<Reader>();
      reader->files = {
        {"model.bin", {weights, weights_size}},
        {"config.json", {config, config_size}},
        {"vocabulary.txt", {vocabulary, vocabulary_size}},
      };
      models::ModelLoader loader(reader);
      loader.device = Device::CPU;
      loader.compute_type = ComputeType::INT8;
      loader.num_replicas_per_device = replicas;
      ReplicaPoolConfig pool;
      pool.num_threads_per_replica = 1;
      model->pool = std::make_unique<models::Whisper>(loader, pool);
    });
    return failed ? nullptr : model.release();
  }

  // Rises when a function's parameters change: the worker refuses any other than it was written for.
  int cuelight_ct2_version() {
    return 2;
  }

  void cuelight_ct2_free(Model* model) {
    delete model;
  }

  // What the encoder makes of `bands` rows of `frames` each, of the log-Mel spectrogram.
  StorageView* cuelight_ct2_encode(Model* model, float* features, size_t bands, size_t frames,
                                   char* error, size_t error_size) {
    std::unique_ptr<StorageView> encoded;
    const int failed = guarded(error, error_size, [&] {
      const StorageView view({1, dim_t(bands), dim_t(frames)}, features);
      encoded = std::make_unique<StorageView>(model->pool->encode(view, false).get());
    });
    return failed ? nullptr : encoded.release();
  }

  void cuelight_ct2_free_encoded(StorageView* encoded) {
    delete encoded;
  }

  // The most probable text that a search of width `beams` finds. Fills `tokens` with at most `capacity` tokens, time
  // stamps among them; `score` is their mean log probability.
  int cuelight_ct2_generate(Model* model, const StorageView* encoded, const size_t* prompt, size_t prompt_size,
                            size_t beams, size_t* tokens, size_t capacity, size_t* count, float* score,
                            float* no_speech_probability, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
      models::WhisperOptions options;
      options.beam_size = beams;
      options.return_scores = true;
      options.return_no_speech_prob = true;
      options.max_length = capacity + prompt_size;
      const std::vector<std::vector<size_t>> prompts = {{prompt, prompt + prompt_size}};
      auto result = model->pool->generate(*encoded, prompts, options).at(0).get();
      const auto& ids = result.sequences_ids.at(0);
      *count = std::min(ids.size(), capacity);
      std::copy_n(ids.begin(), *count, tokens);
      *score = result.scores.at(0);
      *no_speech_probability = result.no_speech_prob;
    });
  }

  // For each token the frame of the encoder where the model looks when it says it, and its probability; in
  // `starts` one more, for the end. `frames` are those of the spectrogram that hold sound.
  int cuelight_ct2_align(Model* model, const StorageView* encoded, const size_t* prompt, size_t prompt_size,
                         const size_t* tokens, size_t count, size_t frames, int64_t* starts, float* probabilities,
                         char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
      std::vector<size_t> start(prompt, prompt + prompt_size);
      std::vector<std::vector<size_t>> text = {{tokens, tokens + count}};
      auto result = model->pool->align(*encoded, start, text, {frames}, 7).at(0).get();
      std::fill_n(starts, count + 1, -1);
      for (const auto& [token, frame] : result.alignments)
        if (token >= 0 && size_t(token) <= count && starts[token] < 0)
          starts[token] = frame;
      for (size_t i = 0; i < count; ++i)
        probabilities[i] = i < result.text_token_probs.size() ? result.text_token_probs[i] : 0;
    });
  }

  // The probability of each language, at the place that its token has among those of all languages.
  int cuelight_ct2_detect_language(Model* model, const StorageView* encoded, float* probabilities, size_t capacity,
                                   char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
      const auto found = model->pool->detect_language(*encoded).at(0).get();
      std::fill_n(probabilities, capacity, 0.f);
      // The vocabulary that came with the weights names the tokens of languages by numbers.
      for (const auto& [token, probability] : found) {
        const size_t number = std::stoul(token.substr(2));
        if (number < capacity)
          probabilities[number] = probability;
      }
    });
  }
}
