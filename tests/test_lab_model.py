"""The lab's model is the stock one, in every way in which it is computed."""

import pytest

torch = pytest.importorskip("torch", reason="gnomon[lab] is not installed")

from gnomon.errors import InputError  # noqa: E402
from gnomon.lab import dial  # noqa: E402
from gnomon.lab.model import kernels, stock  # noqa: E402
from gnomon.lab.model.generate import draw, generate, nucleus  # noqa: E402
from gnomon.lab.model.gpt import GPT, Shape  # noqa: E402
from gnomon.lab.model.loss import summed_loss, token_losses  # noqa: E402
from gnomon.lab.model.optimizer import Muon, Recipe, optimizers, orthogonal, pace  # noqa: E402

torch.set_num_threads(1)


def lively(kv_heads=2):
    """A model none of whose weights is at its quiet start."""
    torch.manual_seed(3)
    model = GPT(Shape(97, 64, 2, 64, 4, kv_heads, 16, 128))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return model


def some(rows, length, vocab=97):
    return torch.randint(1, vocab, (rows, length), generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_logits_are_those_of_the_stock_class(tmp_path, kv_heads):
    transformers = pytest.importorskip("transformers")
    model, ids = lively(kv_heads), some(3, 40)
    stock.save(model, tmp_path)
    theirs = transformers.Qwen3ForCausalLM.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.allclose(theirs(ids).logits, model(ids), atol=2e-6)
    assert torch.allclose(theirs(ids).logits, model(ids), atol=2e-6)
    assert set(dict(model.named_parameters())) == set(theirs.state_dict()) - {"lm_head.weight"}


def test_gradients_are_those_of_the_stock_class(tmp_path):
    """Which is to say: of the norms and rotations that are written out by hand."""
    transformers = pytest.importorskip("transformers")
    model, ids = lively(), some(2, 33)
    stock.save(model, tmp_path)
    theirs = transformers.Qwen3ForCausalLM.from_pretrained(tmp_path)
    x, y = ids[:, :-1], ids[:, 1:]
    torch.nn.functional.cross_entropy(theirs(x).logits.flatten(0, 1), y.flatten()).backward()
    hidden = model.hidden(x).flatten(0, 1)
    (summed_loss(hidden, model.head, y.flatten(), torch.ones(y.numel())) / y.numel()).backward()
    by_name = dict(theirs.named_parameters())
    for name, weight in model.named_parameters():
        assert torch.allclose(weight.grad, by_name[name].grad, atol=1e-5), name


def test_a_saved_model_comes_back_and_parameters_are_counted(tmp_path):
    model = lively()
    stock.save(model, tmp_path)
    again = stock.load(tmp_path)
    assert again.shape == model.shape
    assert all(map(torch.equal, again.parameters(), model.parameters()))
    assert model.shape.parameters == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 99), "cannot be read"),
        (lambda folder: (folder / "model.safetensors").unlink(), "not there"),
        (lambda folder: stock.save(GPT(Shape(97, 64, 1, 64, 4, 2, 16, 128)), folder / "b")
         or (folder / "b" / "model.safetensors").rename(folder / "model.safetensors"), "not fit"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "llama"}'), "'llama'"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_a_model_is_refused(tmp_path, spoil, word):
    stock.save(lively(), tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=word):
        stock.load(tmp_path)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_documents_in_one_row_never_see_each_other(learning, dtype):
    model, ids = lively().to(dtype), some(2, 40)
    segments = (torch.arange(40) >= 15).int().expand(2, -1)
    with torch.set_grad_enabled(learning):
        whole = model(ids, segments=segments)
        alone = torch.cat((model(ids[:, :15]), model(ids[:, 15:])), dim=1)
        other = ids.clone()
        other[:, :15] = some(2, 15).flip(1)
        changed = model(other, segments=segments)
    room = {"atol": 2e-6} if dtype == torch.float32 else {"atol": 0.15, "rtol": 0.05}
    assert torch.allclose(whole, alone, **room)
    assert torch.equal(changed[:, 15:], whole[:, 15:])
    assert not torch.equal(changed[:, :15], whole[:, :15])


def test_attention_by_hand_is_torchs():
    """In bfloat16, where the way back of torch's own is slow on a CPU."""
    chance = torch.Generator().manual_seed(1)
    q = torch.randn(2, 4, 20, 16, generator=chance)
    k, v = (torch.randn(2, 2, 20, 16, generator=chance) for _ in range(2))
    mask = (torch.ones(20, 20).tril() * (torch.rand(20, 20, generator=chance) > 0.2)).bool()
    mask = (mask | torch.eye(20).bool())[None, None].expand(2, 1, -1, -1)
    for seen in (mask, None):
        want = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=seen, is_causal=seen is None, enable_gqa=True
        )
        assert torch.allclose(kernels._scores(q, k, v, seen), want, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_in_pieces_is_cross_entropy(dtype):
    chance = torch.Generator().manual_seed(2)
    hidden = torch.randn(300, 16, generator=chance).requires_grad_()
    head = torch.randn(20_000, 16, generator=chance).requires_grad_()
    targets = torch.randint(0, 20_000, (300,), generator=chance)
    weights = torch.rand(300, generator=chance)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        value = summed_loss(hidden, head, targets, weights) * 0.5
    value.backward()
    mine, hidden.grad, tops, head.grad = hidden.grad, None, head.grad, None
    whole = torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="none")
    assert torch.allclose(whole, token_losses(hidden, head, targets), rtol=1e-5)
    want = (whole * weights).sum() * 0.5
    want.backward()
    room = 1e-4 if dtype == torch.float32 else 2e-2
    assert value.item() == pytest.approx(want.item(), rel=room)
    assert (mine - hidden.grad).norm() < room * hidden.grad.norm()
    assert (tops - head.grad).norm() < room * head.grad.norm()


def test_greedy_text_is_what_the_whole_rows_say():
    model = lively()
    prompts = [some(1, 5)[0].tolist(), some(1, 12)[0].tolist(), some(1, 30)[0].tolist()]
    found = generate(model, prompts, max_new=20, temperature=0)
    for prompt, made in zip(prompts, found, strict=True):
        with torch.no_grad():
            logs = model(torch.tensor([[*prompt, *made.ids]]))[0].log_softmax(-1)
        want = logs[len(prompt) - 1 : -1]
        assert want.argmax(-1).tolist() == list(made.ids)
        sure = want.gather(1, torch.tensor(made.ids)[:, None]).squeeze(1).tolist()
        assert made.log_probs == pytest.approx(sure, abs=1e-4)
        assert (len(made.ids), made.stopped) == (20, False)


def test_generation_stops_where_it_should():
    model = lively()
    prompts = [[5, 6, 7], [8]]
    free = generate(model, prompts, max_new=8, temperature=0)
    stop = free[0].ids[3]
    found = generate(model, prompts, max_new=8, temperature=0, stop=[stop])
    first = free[0].ids.index(stop)
    assert found[0].ids == free[0].ids[: first + 1]
    assert found[0].stopped
    if stop not in free[1].ids:
        assert found[1] == free[1]
    context = model.shape.context
    full = generate(model, [[1] * (context - 3), [2]], max_new=99, temperature=0)
    assert [len(one.ids) for one in full] == [3, context - 1]
    assert generate(model, [], max_new=3) == []
    for wrong in ([], [1] * context):
        with pytest.raises(InputError, match="prompt 0 has"):
            generate(model, [wrong], max_new=1)


def test_draws_follow_the_distribution_and_the_seed():
    chance = torch.Generator().manual_seed(4)
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(4000, -1)
    chosen, logs = draw(logits, 1.0, 1.0, chance)
    shares = torch.bincount(chosen, minlength=4) / 4000
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.15, 0.05]), atol=0.03)
    assert torch.allclose(logs, logits[0][chosen], atol=1e-6)
    assert set(draw(logits, 1.0, 0.7, chance)[0].tolist()) == {0, 1}
    assert nucleus(torch.tensor([[0.2, 0.7, 0.1]]), 0.0)[0].tolist() == pytest.approx([0, 0.7, 0])
    model = lively()
    texts = [
        generate(model, [[1, 2]] * 3, max_new=6, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_muon_moves_every_direction_alike():
    chance = torch.Generator().manual_seed(6)
    scales = torch.logspace(0, -1.5, 24)
    left = torch.linalg.qr(torch.randn(24, 24, generator=chance))[0]
    right = torch.linalg.qr(torch.randn(40, 40, generator=chance))[0][:24]
    gradient = left @ torch.diag(scales) @ right
    straight = orthogonal(gradient[None])[0]
    assert torch.linalg.svdvals(straight).min() > 0.6
    assert torch.linalg.svdvals(straight).max() < 1.3
    for shape in ((24, 40), (40, 24)):
        weight = torch.nn.Parameter(torch.zeros(shape))
        weight.grad = gradient.clone() if shape == (24, 40) else gradient.T.clone()
        Muon([weight], rate=0.1).step()
        want = straight if shape == (24, 40) else straight.T * (40 / 24) ** 0.5
        assert torch.allclose(weight, -0.1 * want, atol=0.02)


def test_each_weight_has_one_optimizer_and_vectors_do_not_decay():
    model = GPT(Shape(97, 64, 2, 64, 4, 2, 16, 128))
    adam, muon = optimizers(model, Recipe(steps=10))
    names = {id(weight): name for name, weight in model.named_parameters()}
    held = [id(one) for o in (adam, muon) for group in o.param_groups for one in group["params"]]
    assert sorted(held) == sorted(names)
    muons = {names[id(one)] for one in muon.param_groups[0]["params"]}
    assert all("proj" in name for name in muons)
    assert len(muons) == 2 * 7
    still = [one for group in adam.param_groups if not group["weight_decay"]
             for one in group["params"]]  # fmt: skip
    assert all(one.ndim == 1 for one in still)


def test_the_rate_rises_stays_and_falls():
    recipe = Recipe(steps=100, warm_up=0.1, cool_down=0.4, floor=0.1)
    rates = [pace(recipe, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:60] == [1.0] * 51
    assert rates[80] == pytest.approx(0.1 + 0.9 * 0.5)
    assert rates == sorted(rates[:10]) + rates[10:60] + sorted(rates[60:], reverse=True)
    assert pace(Recipe(steps=1), 0) == 1.0


def test_one_dial_sets_the_sizes():
    for depth in (1, 2, 3, 8, 12, 24):
        sizes = dial.sizes(depth)
        shape = Shape.of(sizes)
        assert shape.heads * shape.head_dim == shape.width
        plan = dial.plan(depth, shape.parameters, 10**9)
        assert plan.batch % shape.context == 0
        assert plan.tokens <= 20 * shape.parameters
    assert 110e6 < Shape.of(dial.sizes(12)).parameters < 135e6
    assert dial.plan(2, 10**6, 1000).tokens == 16_000
    with pytest.raises(InputError, match="--depth is 0"):
        dial.sizes(0)
