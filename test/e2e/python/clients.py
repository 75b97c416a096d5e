"""Drives a server with Python's own clients: `clients.py URL MODEL` prints one JSON object of what each of them got."""

import json
import sys

url, model = sys.argv[1:3]
hello = [{"role": "user", "content": "Say hello."}]


def with_ollama():
    import ollama

    client = ollama.Client(host=url)
    options = {"temperature": 0, "num_predict": 8}
    whole = client.chat(model=model, messages=hello, options=options)
    parts = [part.message.content for part in client.chat(model=model, messages=hello, options=options, stream=True)]
    try:
        client.chat(model="nope", messages=hello)
        error = "none"
    except ollama.ResponseError as failure:
        error = f"{failure.status_code} {failure.error}"
    return {
        "chat": whole.message.content,
        "stream": "".join(parts),
        "reason": whole.done_reason,
        "generate": client.generate(model=model, prompt="Say hello.", options=options).response,
        "names": [each.model for each in client.list().models],
        "running": [each.model for each in client.ps().models],
        "family": client.show(model).details.family,
        "embedding": len(client.embed(model=model, input="a").embeddings[0]),
        "error": error,
    }


def with_openai():
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    greedy = {"model": model, "messages": hello, "temperature": 0, "max_tokens": 8}
    whole = client.chat.completions.create(**greedy)
    chunks = list(client.chat.completions.create(**greedy, stream=True, stream_options={"include_usage": True}))
    try:
        client.chat.completions.create(**{**greedy, "model": "nope"})
        error = "none"
    except openai.NotFoundError as failure:
        error = failure.body["message"]
    return {
        "chat": whole.choices[0].message.content,
        "stream": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
        "tokens": [whole.usage.total_tokens, chunks[-1].usage.total_tokens],
        "response": client.responses.create(model=model, input="Say hello.", temperature=0, max_output_tokens=8).output_text,
        "embedding": len(client.embeddings.create(model=model, input="a").data[0].embedding),
        "names": [each.id for each in client.models.list()],
        "error": error,
    }


def with_langchain():
    from langchain_ollama import ChatOllama, OllamaEmbeddings

    chat = ChatOllama(model=model, base_url=url, temperature=0, num_predict=8)
    return {
        "chat": chat.invoke("Say hello.").content,
        "stream": "".join(chunk.content for chunk in chat.stream("Say hello.")),
        "embedding": len(OllamaEmbeddings(model=model, base_url=url).embed_query("a")),
    }


def with_llama_index():
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.ollama import Ollama

    llm = Ollama(model=model, base_url=url, temperature=0, context_window=2048, additional_kwargs={"num_predict": 8})
    question = [ChatMessage(role="user", content="Say hello.")]
    return {
        "chat": llm.chat(question).message.content,
        "stream": "".join(chunk.delta or "" for chunk in llm.stream_chat(question)),
        "complete": llm.complete("Say hello.").text,
    }


clients = {
    "ollama": with_ollama,
    "openai": with_openai,
    "langchain": with_langchain,
    "llama_index": with_llama_index,
}
print(json.dumps({name: run() for name, run in clients.items()}))
